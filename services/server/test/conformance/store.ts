/** The promises of Store as a whole: overload, health, close. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GroupCommit } from "../../src/store/port.ts";
import { hasCode } from "./codes.ts";
import { identityOf, inboxOf, messageIdOf, Setup, type Subject, seqsOf, seqsUpTo } from "./subject.ts";

const alice = inboxOf("alice");

export function describeStore(subject: Subject): void {
  describe(`store on ${subject.name}`, () => {
    test("an append beyond appendsInFlightMax is refused at once, stores nothing, and works later", async () => {
      await using setup = await Setup.make(subject, { appendsInFlightMax: 10 });
      const { log } = setup.store;
      const accepted = Array.from({ length: 10 }, (_, i) => log.append(setup.message(alice, `${i}`)));
      const refused = log.append(setup.message(alice, "refused"));
      const refusedToo = log.appendAll([setup.message(alice, "refused"), setup.message(alice, "refused")]);
      await assert.rejects(refused, hasCode("E021_OVERLOADED"));
      await assert.rejects(refusedToo, hasCode("E021_OVERLOADED"));
      await Promise.all(accepted);
      assert.deepEqual(await log.append(setup.message(alice, "later")), { kind: "stored", seq: 11n });
      assert.deepEqual(seqsOf(await setup.read(alice)), seqsUpTo(11));
    });

    test("an append of many entries counts each of them as in flight", async () => {
      await using setup = await Setup.make(subject, { appendsInFlightMax: 10 });
      const entries = (count: number) => Array.from({ length: count }, () => setup.message(alice, "x"));
      await assert.rejects(setup.store.log.appendAll(entries(11)), hasCode("E021_OVERLOADED"));
      assert.equal((await setup.store.log.appendAll(entries(10))).length, 10);
    });

    test("a group's commit counts each of its entries as in flight, and itself, so that one without entries is bounded", async () => {
      await using setup = await Setup.make(subject, { appendsInFlightMax: 10 });
      const commit = (id: number, entries: number): GroupCommit => ({
        groupId: identityOf(`group ${id}`),
        epoch: 0n,
        proofHash: new Uint8Array(32),
        nextProofHash: new Uint8Array(32),
        messageId: messageIdOf("commit"),
        entries: Array.from({ length: entries }, () => setup.message(alice, "x")),
      });
      const { log } = setup.store;
      await assert.rejects(log.commitGroup(commit(0, 10)), hasCode("E021_OVERLOADED"));
      const accepted = [log.commitGroup(commit(1, 5)), ...[2, 3, 4, 5].map((id) => log.commitGroup(commit(id, 0)))];
      await assert.rejects(log.commitGroup(commit(6, 0)), hasCode("E021_OVERLOADED"));
      for (const { kind } of await Promise.all(accepted)) assert.equal(kind, "accepted");
      assert.equal((await log.commitGroup(commit(0, 9))).kind, "accepted");
    });

    test("appends that are overloaded do not refuse acks and reads", async () => {
      await using setup = await Setup.make(subject, { appendsInFlightMax: 1 });
      const { log } = setup.store;
      const accepted = log.append(setup.message(alice, "1"));
      await assert.rejects(log.append(setup.message(alice, "2")), hasCode("E021_OVERLOADED"));
      assert.equal(await log.ack(inboxOf("bob"), 1n, 0n), true);
      await setup.read(inboxOf("bob"));
      await accepted;
    });

    test("an open store is healthy", async () => {
      await using setup = await Setup.make(subject);
      await setup.store.health();
    });

    test("close finishes what was accepted", async () => {
      await using setup = await Setup.make(subject);
      const { log, keys } = setup.store;
      const appends = Array.from({ length: 2_000 }, (_, i) => log.append(setup.message(alice, `${i}`)));
      const read = setup.read(inboxOf("bob"));
      const take = keys.takeKeyPackage(identityOf("alice"));
      await setup.store.close();
      const answers = await Promise.all(appends);
      assert.equal(answers.filter(({ kind }) => kind === "stored").length, 1_000);
      assert.equal(answers.filter(({ kind }) => kind === "full").length, 1_000);
      assert.deepEqual((await read).messages, []);
      assert.equal(await take, undefined);
      if (!subject.keeps) return;
      await setup.reopen();
      assert.deepEqual(seqsOf(await setup.read(alice)), seqsUpTo(1_000));
    });

    test("every call after close is rejected with E020, and closing again is no error", async () => {
      await using setup = await Setup.make(subject);
      const { log, keys } = setup.store;
      await setup.store.close();
      await setup.store.close();
      const calls = [
        log.append(setup.message(alice, "x")),
        log.appendAll([setup.message(alice, "x")]),
        log.commitGroup({
          groupId: identityOf("group"),
          epoch: 0n,
          proofHash: new Uint8Array(32),
          nextProofHash: new Uint8Array(32),
          messageId: messageIdOf("commit"),
          entries: [],
        }),
        setup.read(alice),
        log.ack(alice, 1n, 0n),
        log.sweep(1),
        keys.takeKeyPackage(identityOf("alice")),
        keys.getHybridKeys([identityOf("alice")]),
        setup.store.accounts.accountOf("alice"),
        setup.store.accounts.deleteAccount(identityOf("alice")),
        setup.store.channels.membersOf(messageIdOf("channel")),
        setup.store.blobs.blobBytesOf(identityOf("alice")),
        setup.store.health(),
      ];
      for (const result of await Promise.allSettled(calls)) {
        assert.equal(result.status, "rejected");
        assert.ok(hasCode("E020_STORE_UNAVAILABLE")(result.reason));
      }
    });

    test("calls made while the store is closing are rejected with E020", async () => {
      await using setup = await Setup.make(subject);
      const accepted = setup.store.log.append(setup.message(alice, "1"));
      const closed = setup.store.close();
      await assert.rejects(setup.store.log.append(setup.message(alice, "2")), hasCode("E020_STORE_UNAVAILABLE"));
      await closed;
      assert.deepEqual(await accepted, { kind: "stored", seq: 1n });
    });
  });
}
