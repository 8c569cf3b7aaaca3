/** The promises of AccountStore about tokens and devices. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accountNamed, deviceOf, tokenHash, tokenNamed } from "./account-rows.ts";
import { identityOf, Setup, type Subject } from "./subject.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");
const phone = deviceOf(alice, "phone");

async function withAlice(subject: Subject): Promise<Setup> {
  const setup = await Setup.make(subject);
  await setup.store.accounts.putAccount(accountNamed("alice"));
  return setup;
}

export function describeAccessStore(subject: Subject): void {
  describe(`tokens and devices on ${subject.name}`, () => {
    describeTokens(subject);
    describeRevocation(subject);
    describeDevices(subject);
    describeRemoval(subject);
  });
}

function describeTokens(subject: Subject): void {
  test("tokens are found by their hashes in the order asked for, unknown ones as undefined", async () => {
    await using setup = await withAlice(subject);
    const [one, two] = ["one", "two"].map((name) => tokenNamed(setup, name, { identity: alice }));
    for (const token of [one, two, one]) {
      assert.equal(await setup.store.accounts.putToken({ token: token as never, tokensMax: 9 }), "stored");
    }
    if (subject.keeps) await setup.reopen();
    const hashes = ["two", "three", "one", "two"].map(tokenHash);
    assert.deepEqual(await setup.store.accounts.findTokens(hashes), [two, undefined, one, two]);
    assert.deepEqual(await setup.store.accounts.findTokens([]), []);
  });

  test("a token is found until it expires, and then swept", async () => {
    await using setup = await withAlice(subject);
    const { accounts, log } = setup.store;
    const token = tokenNamed(setup, "one", { identity: alice, expiresAtMs: setup.nowMs + 100 });
    await accounts.putToken({ token, tokensMax: 9 });
    setup.nowMs += 99;
    assert.equal(await log.sweep(10), 0);
    assert.deepEqual(await accounts.findTokens([token.hash]), [token]);
    setup.nowMs += 1;
    assert.deepEqual(await accounts.findTokens([token.hash]), [undefined]);
    assert.equal(await log.sweep(10), 1);
    assert.equal(await accounts.revokeToken(token.hash), false);
  });

  test("a disabled account has no tokens and gets none; enabled again it has those it had", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    const token = tokenNamed(setup, "one", { identity: alice });
    await accounts.putToken({ token, tokensMax: 9 });
    await accounts.setDisabled({ username: "alice", disabled: true });
    assert.deepEqual(await accounts.findTokens([token.hash]), [undefined]);
    const other = tokenNamed(setup, "two", { identity: alice });
    assert.equal(await accounts.putToken({ token: other, tokensMax: 9 }), "refused");
    await accounts.setDisabled({ username: "alice", disabled: false });
    assert.deepEqual(await accounts.findTokens([token.hash, other.hash]), [token, undefined]);
  });

  test("a token acts for its account's identity or a device that is listed, and for no other key", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("bob"));
    await accounts.putDevice({ device: deviceOf(bob, "laptop"), devicesMax: 5 });
    const put = (options: { identity: typeof alice; actsFor?: typeof alice }) =>
      accounts.putToken({ token: tokenNamed(setup, "one", options), tokensMax: 9 });
    assert.equal(await put({ identity: identityOf("nobody") }), "refused");
    for (const actsFor of [bob, phone.deviceKey, identityOf("laptop")]) {
      assert.equal(await put({ identity: alice, actsFor }), "refused");
    }
    await accounts.putDevice({ device: phone, devicesMax: 5 });
    assert.equal(await put({ identity: alice, actsFor: phone.deviceKey }), "stored");
    assert.equal((await accounts.findTokens([tokenHash("one")]))[0]?.actsFor.toString(), phone.deviceKey.toString());
  });

  test("beyond tokensMax an identity's oldest tokens go, whatever they act for, and nobody else's", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("bob"));
    await accounts.putDevice({ device: phone, devicesMax: 5 });
    await accounts.putToken({ token: tokenNamed(setup, "bob's", { identity: bob }), tokensMax: 1 });
    for (let i = 0; i < 5; i++) {
      const options = { identity: alice, actsFor: i === 0 ? phone.deviceKey : alice };
      await accounts.putToken({ token: tokenNamed(setup, `${i}`, options), tokensMax: 3 });
    }
    const found = await accounts.findTokens(["bob's", "0", "1", "2", "3", "4"].map(tokenHash));
    assert.deepEqual(
      found.map((token) => token !== undefined),
      [true, false, false, true, true, true],
    );
  });

  test("of parallel logins of one identity no more than tokensMax tokens stand", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    const tokens = Array.from({ length: 20 }, (_, i) => tokenNamed(setup, `${i}`, { identity: alice }));
    await Promise.all(tokens.map((token) => accounts.putToken({ token, tokensMax: 4 })));
    const found = await accounts.findTokens(tokens.map(({ hash }) => hash));
    assert.equal(found.filter((token) => token !== undefined).length, 4);
  });
}

function describeRevocation(subject: Subject): void {
  test("one token is revoked by its hash, those of one key or all of an identity by name", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("bob"));
    await accounts.putDevice({ device: phone, devicesMax: 5 });
    const put = (name: string, options: { identity: typeof alice; actsFor?: typeof alice }) =>
      accounts.putToken({ token: tokenNamed(setup, name, options), tokensMax: 9 });
    for (const name of ["a1", "a2", "a3"]) await put(name, { identity: alice });
    for (const name of ["p1", "p2"]) await put(name, { identity: alice, actsFor: phone.deviceKey });
    await put("b1", { identity: bob });
    const standing = async () => {
      const names = ["a1", "a2", "a3", "p1", "p2", "b1"];
      const found = await accounts.findTokens(names.map(tokenHash));
      return names.filter((_, i) => found[i] !== undefined);
    };
    assert.equal(await accounts.revokeToken(tokenHash("a1")), true);
    assert.equal(await accounts.revokeToken(tokenHash("a1")), false);
    assert.deepEqual(await standing(), ["a2", "a3", "p1", "p2", "b1"]);
    assert.equal(await accounts.revokeTokens({ identity: alice, actsFor: phone.deviceKey }), 2);
    assert.deepEqual(await standing(), ["a2", "a3", "b1"]);
    await put("p1", { identity: alice, actsFor: phone.deviceKey });
    assert.equal(await accounts.revokeTokens({ identity: alice, actsFor: undefined }), 3);
    assert.equal(await accounts.revokeTokens({ identity: alice, actsFor: undefined }), 0);
    if (subject.keeps) await setup.reopen();
    assert.deepEqual(await setup.store.accounts.findTokens([tokenHash("a2"), tokenHash("p1")]), [undefined, undefined]);
    assert.notEqual((await setup.store.accounts.findTokens([tokenHash("b1")]))[0], undefined);
  });
}

function describeDevices(subject: Subject): void {
  test("devices are listed in the order of their registration, and found by their keys", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    const devices = ["tablet", "phone", "car"].map((name) => deviceOf(alice, name));
    for (const device of devices) assert.equal(await accounts.putDevice({ device, devicesMax: 5 }), "registered");
    if (subject.keeps) await setup.reopen();
    assert.deepEqual(await setup.store.accounts.listDevices(alice), devices);
    assert.deepEqual(await setup.store.accounts.listDevices(bob), []);
    assert.deepEqual(await setup.store.accounts.ownerOfDevice(phone.deviceKey), alice);
    assert.equal(await setup.store.accounts.ownerOfDevice(alice), undefined);
  });

  test("the same key again is known and stays as it was, also in a full list", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    await accounts.putDevice({ device: phone, devicesMax: 1 });
    assert.equal(await accounts.putDevice({ device: { ...phone, name: "other" }, devicesMax: 1 }), "known");
    assert.equal(await accounts.putDevice({ device: deviceOf(alice, "tablet"), devicesMax: 1 }), "full");
    assert.deepEqual(await accounts.listDevices(alice), [phone]);
  });

  test("a key belongs to one account, an id to one key, and an account must be there", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    await accounts.putAccount(accountNamed("bob"));
    const put = (device: typeof phone) => accounts.putDevice({ device, devicesMax: 5 });
    assert.equal(await put(phone), "registered");
    assert.equal(await put({ ...phone, identity: bob }), "keyTaken");
    assert.equal(await put({ ...phone, deviceKey: identityOf("tablet") }), "keyTaken");
    for (const deviceKey of [alice, bob]) {
      assert.equal(await put({ ...deviceOf(alice, "tablet"), deviceKey }), "keyTaken");
    }
    assert.equal(await put(deviceOf(identityOf("nobody"), "tablet")), "noAccount");
    // another account's device may have the same id
    assert.equal(await put({ ...phone, identity: bob, deviceKey: identityOf("tablet") }), "registered");
  });

  test("of parallel registrations no more than devicesMax are listed, and of one key one", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    const devices = Array.from({ length: 12 }, (_, i) => deviceOf(alice, `device ${i}`));
    const answers = await Promise.all(devices.map((device) => accounts.putDevice({ device, devicesMax: 5 })));
    assert.equal(answers.filter((answer) => answer === "registered").length, 5);
    assert.equal((await accounts.listDevices(alice)).length, 5);
    await accounts.putAccount(accountNamed("bob"));
    const owners = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? alice : bob));
    const rivals = await Promise.all(
      owners.map((owner) => accounts.putDevice({ device: deviceOf(owner, "phone"), devicesMax: 9 })),
    );
    assert.deepEqual(rivals.sort(), ["keyTaken", "keyTaken", "keyTaken", "known", "known", "registered"]);
  });
}

function describeRemoval(subject: Subject): void {
  test("a removed device is gone with its tokens, keys and what it has published, and may come back", async () => {
    await using setup = await withAlice(subject);
    const { accounts, keys } = setup.store;
    await accounts.putDevice({ device: phone, devicesMax: 1 });
    const tokens = [alice, phone.deviceKey].map((actsFor, i) =>
      tokenNamed(setup, `${i}`, { identity: alice, actsFor }),
    );
    for (const token of tokens) await accounts.putToken({ token, tokensMax: 9 });
    for (const identity of [alice, phone.deviceKey]) {
      for (const lastResort of [false, true]) {
        const expiresAtMs = setup.nowMs + 60_000;
        await keys.putKeyPackage({ identity, keyPackage: identity, expiresAtMs, lastResort, poolMax: 9 });
      }
      await keys.putHybridKey(identity, { hybridPublicKey: new Uint8Array(1216), signature: new Uint8Array(64) });
      await accounts.putEndpoint({ identity, endpoint: identity, expiresAtMs: setup.nowMs + 60_000 });
      await accounts.putDeliveryToken({ identity, tokenHash: identity });
    }
    assert.equal(await accounts.removeDevice({ identity: bob, deviceId: phone.deviceId }), undefined);
    assert.deepEqual(await accounts.removeDevice({ identity: alice, deviceId: phone.deviceId }), phone);
    assert.equal(await accounts.removeDevice({ identity: alice, deviceId: phone.deviceId }), undefined);
    assert.deepEqual(await accounts.listDevices(alice), []);
    assert.equal(await accounts.ownerOfDevice(phone.deviceKey), undefined);
    assert.deepEqual(await accounts.findTokens(tokens.map(({ hash }) => hash)), [tokens[0], undefined]);
    for (const find of [accounts.endpointOf, accounts.deliveryTokenOf]) {
      assert.deepEqual([await find(alice), await find(phone.deviceKey)], [alice, undefined]);
    }
    assert.equal(await keys.takeKeyPackage(phone.deviceKey), undefined);
    assert.notEqual(await keys.takeKeyPackage(alice), undefined);
    const hybridKeys = await keys.getHybridKeys([alice, phone.deviceKey]);
    assert.deepEqual(
      hybridKeys.map((key) => key !== undefined),
      [true, false],
    );
    assert.equal(await accounts.putDevice({ device: phone, devicesMax: 1 }), "registered");
  });

  test("a login that ends while its device is removed gets no token that outlives it", async () => {
    await using setup = await withAlice(subject);
    const { accounts } = setup.store;
    for (let round = 0; round < 8; round++) {
      await accounts.putDevice({ device: phone, devicesMax: 1 });
      const token = tokenNamed(setup, `${round}`, { identity: alice, actsFor: phone.deviceKey });
      await Promise.all([
        accounts.putToken({ token, tokensMax: 9 }),
        accounts.removeDevice({ identity: alice, deviceId: phone.deviceId }),
      ]);
      assert.deepEqual(await accounts.findTokens([token.hash]), [undefined]);
    }
  });
}
