/** The promises of AccountStore about accounts themselves, and what is kept for each beside tokens and devices. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accountNamed, deviceOf, recordOf } from "./account-rows.ts";
import { identityOf, Setup, type Subject } from "./subject.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");
const carol = identityOf("carol");

export function describeAccountStore(subject: Subject): void {
  describe(`account store on ${subject.name}`, () => {
    describeAccounts(subject);
    describeEndpoints(subject);
    describeDeliveryTokens(subject);
    describeBlocks(subject);
  });
}

function describeAccounts(subject: Subject): void {
  test("an account is found by its username and by its identity, and by nothing else", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    assert.equal(await accounts.putAccount(accountNamed("alice")), "created");
    if (subject.keeps) await setup.reopen();
    const expected = { ...accountNamed("alice"), disabled: false };
    assert.deepEqual(await setup.store.accounts.accountOf("alice"), expected);
    assert.deepEqual(await setup.store.accounts.accountOfIdentity(alice), expected);
    assert.equal(await setup.store.accounts.accountOf("Alice"), undefined);
    assert.equal(await setup.store.accounts.accountOfIdentity(bob), undefined);
  });

  test("the same username and identity again replace the record and the profile, and nothing else", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("alice"));
    await accounts.setDisabled({ username: "alice", disabled: true });
    const again = { ...accountNamed("alice"), record: recordOf("new"), stretching: 2, createdAtMs: 9_000 };
    assert.equal(await accounts.putAccount(again), "replaced");
    assert.equal(await accounts.putAccount(again), "replaced");
    assert.deepEqual(await accounts.accountOf("alice"), { ...again, createdAtMs: 1_000, disabled: true });
  });

  test("a username has one identity, an identity one username, and a listed device's key no account", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("alice"));
    await accounts.putDevice({ device: deviceOf(alice, "phone"), devicesMax: 5 });
    assert.equal(await accounts.putAccount(accountNamed("alice", bob)), "usernameTaken");
    assert.equal(await accounts.putAccount(accountNamed("alice2", alice)), "identityTaken");
    assert.equal(await accounts.putAccount(accountNamed("bob", identityOf("phone"))), "identityTaken");
    assert.equal(await accounts.accountOf("alice2"), undefined);
    assert.deepEqual((await accounts.accountOf("alice"))?.record, recordOf("alice"));
    assert.equal(await accounts.accountOf("bob"), undefined);
  });

  test("of parallel registrations of one username, and of one identity, one creates the account", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    const rivals = Array.from({ length: 12 }, (_, i) => accountNamed("name", identityOf(`rival ${i}`)));
    const answers = await Promise.all(rivals.map((rival) => accounts.putAccount(rival)));
    assert.deepEqual(answers.sort(), ["created", ...Array<string>(11).fill("usernameTaken")]);
    const names = Array.from({ length: 12 }, (_, i) => accountNamed(`name ${i}`, bob));
    const others = await Promise.all(names.map((name) => accounts.putAccount(name)));
    assert.deepEqual(others.sort(), ["created", ...Array<string>(11).fill("identityTaken")]);
  });

  test("an account is disabled and enabled by its username; an unknown one is said to be", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("alice"));
    assert.equal(await accounts.setDisabled({ username: "bob", disabled: true }), false);
    for (const disabled of [true, true, false]) {
      assert.equal(await accounts.setDisabled({ username: "alice", disabled }), true);
      assert.equal((await accounts.accountOfIdentity(alice))?.disabled, disabled);
    }
  });

  test("accounts are listed by the bytes of their usernames, page by page, each once", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    // by UTF-16 the last two would stand the other way round
    const names = ["Zoe", "a b", "a-b", "ab", "zoe", "ärger", "ﬀ", "😀"];
    for (const name of names.toReversed()) await accounts.putAccount(accountNamed(name));
    const listed: string[] = [];
    for (;;) {
      const page = await accounts.listAccounts({ afterUsername: listed.at(-1) ?? "", limit: 3 });
      listed.push(...page.map(({ username }) => username));
      if (page.length < 3) break;
    }
    assert.deepEqual(listed, names);
    assert.deepEqual(await accounts.listAccounts({ afterUsername: "zz", limit: 1 }), [
      { ...accountNamed("ärger"), disabled: false },
    ]);
  });
}

function describeEndpoints(subject: Subject): void {
  test("an endpoint is found until it expires, replaces the one before it, and is swept", async () => {
    await using setup = await Setup.make(subject);
    const { accounts, log } = setup.store;
    assert.equal(await accounts.endpointOf(alice), undefined);
    const endpoints = [1, 2].map((n) => new Uint8Array(100).fill(n));
    for (const [i, endpoint] of endpoints.entries()) {
      await accounts.putEndpoint({ identity: alice, endpoint, expiresAtMs: setup.nowMs + 100 * (i + 1) });
    }
    setup.nowMs += 199;
    assert.equal(await log.sweep(10), 0);
    assert.deepEqual(await accounts.endpointOf(alice), endpoints[1]);
    setup.nowMs += 1;
    assert.equal(await accounts.endpointOf(alice), undefined);
    assert.equal(await log.sweep(10), 1);
    assert.equal(await log.sweep(10), 0);
  });
}

function describeDeliveryTokens(subject: Subject): void {
  test("a delivery token replaces the one before it, and can be taken back", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    assert.equal(await accounts.deliveryTokenOf(alice), undefined);
    for (const tokenHash of [bob, carol]) {
      await accounts.putDeliveryToken({ identity: alice, tokenHash });
      assert.deepEqual(await accounts.deliveryTokenOf(alice), tokenHash);
    }
    assert.equal(await accounts.deliveryTokenOf(bob), undefined);
    for (let i = 0; i < 2; i++) {
      await accounts.putDeliveryToken({ identity: alice, tokenHash: undefined });
      assert.equal(await accounts.deliveryTokenOf(alice), undefined);
    }
  });
}

function describeBlocks(subject: Subject): void {
  test("a block holds for one owner and one sender, until it is taken back", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    const block = { owner: alice, sender: bob, blocked: true, blocksMax: 10 };
    for (let i = 0; i < 2; i++) assert.equal(await accounts.setBlocked(block), true);
    await accounts.setBlocked({ ...block, owner: carol });
    if (subject.keeps) await setup.reopen();
    const { accounts: reopened } = setup.store;
    const ask = (sender: typeof bob) =>
      reopened.areBlocked([carol, bob, alice, carol].map((owner) => ({ owner, sender })));
    assert.deepEqual(await ask(bob), [true, false, true, true]);
    assert.deepEqual(await ask(alice), [false, false, false, false]);
    assert.deepEqual(await reopened.areBlocked([]), []);
    for (let i = 0; i < 2; i++) assert.equal(await reopened.setBlocked({ ...block, blocked: false }), true);
    assert.deepEqual(await ask(bob), [true, false, false, true]);
  });

  test("a device has the block list of the identity that lists it, for as long as it does", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("alice"));
    const device = deviceOf(alice, "phone");
    await accounts.putDevice({ device, devicesMax: 5 });
    await accounts.setBlocked({ owner: alice, sender: bob, blocked: true, blocksMax: 10 });
    const pairs = [device.deviceKey, alice, carol].map((owner) => ({ owner, sender: bob }));
    assert.deepEqual(await accounts.areBlocked(pairs), [true, true, false]);
    await accounts.removeDevice(device);
    assert.deepEqual(await accounts.areBlocked(pairs), [false, true, false]);
  });

  test("a full list takes no further sender, but still the ones it has, also from many calls at once", async () => {
    await using setup = await Setup.make(subject);
    const { accounts } = setup.store;
    const senders = Array.from({ length: 12 }, (_, i) => identityOf(`sender ${i}`));
    const block = (sender: typeof bob) => accounts.setBlocked({ owner: alice, sender, blocked: true, blocksMax: 5 });
    const answers = await Promise.all(senders.map(block));
    const blocked = senders.filter((_, i) => answers[i]);
    assert.equal(blocked.length, 5);
    const [first = bob] = blocked;
    assert.equal(await block(first), true);
    for (const sender of senders) {
      assert.deepEqual(await accounts.areBlocked([{ owner: alice, sender }]), [blocked.includes(sender)]);
    }
    await accounts.setBlocked({ owner: alice, sender: first, blocked: false, blocksMax: 5 });
    assert.equal(await block(bob), true);
  });
}
