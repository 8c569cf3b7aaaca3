/** The promises of deleteAccount. That no row is left, each adapter's own test shows (leftovers.ts). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inboxKeyOf, parseChannelId } from "quicproquo-proto";
import { accountNamed, chunkOf, deviceOf, tokenNamed } from "./account-rows.ts";
import { fillAccount } from "./filled-account.ts";
import { identityOf, inboxOf, messageIdOf, Setup, type Subject, textsOf } from "./subject.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");

export function describeAccountDeletion(subject: Subject): void {
  describe(`deletion of accounts on ${subject.name}`, () => {
    test("a deleted account has nothing left, and its username, identity and device keys are free", async () => {
      await using setup = await Setup.make(subject);
      const phone = deviceOf(alice, "phone");
      await fillAccount(setup, "alice", phone);
      await setup.store.accounts.deleteAccount(alice);
      if (subject.keeps) await setup.reopen();
      const { accounts, keys, channels, blobs } = setup.store;
      assert.equal(await accounts.accountOf("alice"), undefined);
      assert.equal(await accounts.accountOfIdentity(alice), undefined);
      assert.deepEqual(await accounts.listDevices(alice), []);
      assert.equal(await accounts.ownerOfDevice(phone.deviceKey), undefined);
      assert.equal(await accounts.revokeTokens({ identity: alice, actsFor: undefined }), 0);
      for (const key of [alice, phone.deviceKey]) {
        assert.equal(await accounts.endpointOf(key), undefined);
        assert.equal(await accounts.deliveryTokenOf(key), undefined);
      }
      assert.deepEqual(await accounts.areBlocked([{ owner: alice, sender: bob }]), [false]);
      assert.equal(await channels.membersOf(messageIdOf("alice and bob")), undefined);
      assert.equal(await blobs.blobBytesOf(alice), 0);
      assert.equal(await blobs.readBlob({ blobId: identityOf("alice's blob"), offset: 0, length: 1 }), undefined);
      for (const key of [alice, phone.deviceKey]) {
        assert.equal(await keys.takeKeyPackage(key), undefined);
        assert.deepEqual(await keys.getHybridKeys([key]), [undefined]);
        for (const channel of [new Uint8Array(0), messageIdOf("alice and bob")]) {
          const { messages, gap } = await setup.read(inboxKeyOf(key, parseChannelId(channel)));
          assert.deepEqual([messages, gap], [[], { kind: "none", upTo: 0n }]);
        }
      }
      assert.equal(await accounts.putAccount(accountNamed("alice", bob)), "created");
      assert.equal(await accounts.putAccount(accountNamed("other", alice)), "created");
      assert.equal(await accounts.putDevice({ device: { ...phone, identity: bob }, devicesMax: 5 }), "registered");
    });

    test("what is others' stays: their accounts, messages, keys, blobs, channels, and their block lists", async () => {
      await using setup = await Setup.make(subject);
      const { accounts, log, keys, channels, blobs } = setup.store;
      await fillAccount(setup, "bob", deviceOf(bob, "laptop"));
      await accounts.setBlocked({ owner: bob, sender: alice, blocked: true, blocksMax: 5 });
      await fillAccount(setup, "alice", deviceOf(alice, "phone"));
      await accounts.deleteAccount(alice);
      await setup.sweepAll();
      assert.equal((await accounts.accountOfIdentity(bob))?.username, "bob");
      assert.equal((await accounts.listDevices(bob)).length, 1);
      assert.deepEqual(await accounts.areBlocked([{ owner: bob, sender: alice }]), [true]);
      assert.equal(await accounts.revokeTokens({ identity: bob, actsFor: undefined }), 2);
      assert.notEqual(await accounts.endpointOf(bob), undefined);
      assert.notEqual(await accounts.deliveryTokenOf(bob), undefined);
      assert.equal(textsOf(await setup.read(inboxOf("bob"))).length, 3);
      assert.equal(textsOf(await setup.read(inboxOf("laptop"))).length, 3);
      assert.notEqual(await keys.takeKeyPackage(bob), undefined);
      assert.notEqual((await keys.getHybridKeys([bob]))[0], undefined);
      assert.notEqual(await channels.membersOf(messageIdOf("bob and carol")), undefined);
      assert.notEqual(await blobs.readBlob({ blobId: identityOf("bob's blob"), offset: 0, length: 1 }), undefined);
      // the inbox counts on
      const { messages } = await setup.read(inboxOf("bob"));
      await log.ack(inboxOf("bob"), messages.at(-1)?.seq as bigint, 0n);
      assert.deepEqual(await log.append(setup.message(inboxOf("bob"), "next")), { kind: "stored", seq: 4n });
    });

    test("a deletion may be repeated, and of an identity without an account it removes what else there is", async () => {
      await using setup = await Setup.make(subject);
      const { accounts, log } = setup.store;
      const carol = identityOf("carol");
      await accounts.deleteAccount(carol);
      await log.append(setup.message(inboxOf("carol"), "1"));
      await accounts.putEndpoint({ identity: carol, endpoint: carol, expiresAtMs: setup.nowMs + 1_000 });
      for (let i = 0; i < 2; i++) {
        await accounts.deleteAccount(carol);
        assert.equal(await accounts.endpointOf(carol), undefined);
        assert.deepEqual(textsOf(await setup.read(inboxOf("carol"))), []);
      }
    });

    test("an inbox that was deleted begins anew, with the message ids it knew", async () => {
      await using setup = await Setup.make(subject);
      const { accounts, log } = setup.store;
      for (let i = 0; i < 2; i++) {
        const answers = [];
        for (const id of ["a", "b"]) answers.push(await log.append(setup.message(inboxOf("alice"), id, { id })));
        assert.deepEqual(answers, [
          { kind: "stored", seq: 1n },
          { kind: "stored", seq: 2n },
        ]);
        await log.ack(inboxOf("alice"), 1n, 0n);
        await accounts.deleteAccount(alice);
      }
    });

    test("inboxes with thousands of messages and blobs of megabytes are deleted too", async () => {
      await using setup = await Setup.make(subject, { queueDepthMax: 3_000 });
      const { accounts, log, blobs } = setup.store;
      const payload = new Uint8Array(300);
      const others = setup.message(inboxOf("bob"), "");
      // half of them share their payload with a message of bob's
      for (let i = 0; i < 5; i++) {
        const many = Array.from({ length: 300 }, () => ({ ...setup.message(inboxOf("alice"), ""), payload }));
        await log.appendAll([...many, { ...others, payload }]);
        await Promise.all(many.map((one) => log.append(one)));
      }
      for (let offset = 0; offset < 5_000_000; offset += 250_000) {
        const chunk = new Uint8Array(250_000);
        await blobs.appendBlob(chunkOf(setup, alice, { totalSize: 5_000_000, offset, chunk }));
      }
      await accounts.deleteAccount(alice);
      assert.deepEqual(textsOf(await setup.read(inboxOf("alice"))), []);
      assert.equal(await blobs.blobBytesOf(alice), 0);
      const left = (await setup.read(inboxOf("bob"))).messages.map(({ payload }) => payload.length);
      assert.deepEqual(left, [300, 300, 300, 300, 300]);
      await setup.sweepAll();
      assert.equal(await log.sweep(100), 0);
    });

    test("logins and registrations that run beside a deletion leave no token and no device without an account", async () => {
      await using setup = await Setup.make(subject);
      const { accounts } = setup.store;
      for (let round = 0; round < 6; round++) {
        await accounts.putAccount(accountNamed("alice"));
        const token = tokenNamed(setup, `${round}`, { identity: alice });
        const [, put, registered] = await Promise.all([
          accounts.deleteAccount(alice),
          accounts.putToken({ token, tokensMax: 9 }),
          accounts.putDevice({ device: deviceOf(alice, `device ${round}`), devicesMax: 5 }),
        ]);
        assert.ok(put === "stored" || put === "refused");
        assert.ok(registered === "registered" || registered === "noAccount");
        assert.deepEqual(await accounts.findTokens([token.hash]), [undefined]);
        assert.deepEqual(await accounts.listDevices(alice), []);
      }
    });
  });
}
