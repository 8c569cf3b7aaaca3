/** The promises of MessageLog: order, dedupe, depth, read, ack. What time does to messages is in message-life.ts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Appended } from "../../src/store/port.ts";
import { inboxOf, Setup, type Subject, seqsOf, seqsUpTo, textsOf } from "./subject.ts";

const alice = inboxOf("alice");
const bob = inboxOf("bob");

export function describeMessageLog(subject: Subject): void {
  describe(`message log on ${subject.name}`, () => {
    describeOrder(subject);
    describeDedupe(subject);
    describeDepth(subject);
    describeRead(subject);
    describeAck(subject);
  });
}

function describeOrder(subject: Subject): void {
  test("1,000 concurrent appends over 40 inboxes get gapless seqs in the order of the calls", async () => {
    await using setup = await Setup.make(subject);
    const inboxes = Array.from({ length: 40 }, (_, i) => inboxOf(`inbox ${i}`));
    const calls = Array.from({ length: 1_000 }, (_, i) => ({ inbox: inboxes[(i * 7) % 40] ?? alice, text: `${i}` }));
    const answers = await Promise.all(
      calls.map((call) => setup.store.log.append(setup.message(call.inbox, call.text))),
    );
    for (const inbox of inboxes) {
      const own = calls.flatMap((call, i) => (call.inbox === inbox ? [{ text: call.text, answer: answers[i] }] : []));
      assert.deepEqual(
        own.map(({ answer }) => answer),
        seqsUpTo(25).map((seq) => ({ kind: "stored", seq })),
      );
      const read = await setup.read(inbox);
      assert.deepEqual(seqsOf(read), seqsUpTo(25));
      assert.deepEqual(
        textsOf(read),
        own.map(({ text }) => text),
      );
    }
  });

  test("a recipient's channels and default inbox are separate logs", async () => {
    await using setup = await Setup.make(subject);
    const inboxes = [alice, inboxOf("alice/one"), inboxOf("alice/two")];
    for (const inbox of inboxes) await setup.store.log.append(setup.message(inbox, `for ${inbox.length}`));
    for (const inbox of inboxes) assert.deepEqual(seqsOf(await setup.read(inbox)), [1n]);
  });

  test("appendAll stores its entries in order, two for one inbox with ascending seqs", async () => {
    await using setup = await Setup.make(subject);
    const answers = await setup.store.log.appendAll([
      setup.message(alice, "a"),
      setup.message(bob, "b"),
      setup.message(alice, "c"),
    ]);
    assert.deepEqual(answers, [
      { kind: "stored", seq: 1n },
      { kind: "stored", seq: 1n },
      { kind: "stored", seq: 2n },
    ]);
    assert.deepEqual(textsOf(await setup.read(alice)), ["a", "c"]);
  });

  test("an empty appendAll answers nothing", async () => {
    await using setup = await Setup.make(subject);
    assert.deepEqual(await setup.store.log.appendAll([]), []);
  });

  test("one payload object sent to many inboxes reaches each of them and outlives the first readers' acks", async () => {
    await using setup = await Setup.make(subject);
    const payload = new Uint8Array(5_000).fill(42);
    const inboxes = Array.from({ length: 30 }, (_, i) => inboxOf(`fan ${i}`));
    await setup.store.log.appendAll(inboxes.map((inbox) => ({ ...setup.message(inbox, ""), payload })));
    for (const inbox of inboxes) {
      assert.deepEqual((await setup.read(inbox)).messages[0]?.payload, payload);
      await setup.store.log.ack(inbox, 1n, 0n);
      assert.deepEqual(seqsOf(await setup.read(inbox)), []);
    }
  });

  if (subject.keeps) {
    test("after reopening, seqs go on behind the last one, also when everything was acknowledged", async () => {
      await using setup = await Setup.make(subject);
      for (const text of ["a", "b"]) await setup.store.log.append(setup.message(alice, text));
      for (const text of ["a", "b"]) await setup.store.log.append(setup.message(bob, text));
      await setup.store.log.ack(alice, 2n, 0n);
      const { storeEpoch } = await setup.read(alice);
      await setup.reopen();
      assert.deepEqual(textsOf(await setup.read(bob)), ["a", "b"]);
      assert.deepEqual(await setup.store.log.append(setup.message(alice, "c")), { kind: "stored", seq: 3n });
      assert.deepEqual(await setup.store.log.append(setup.message(bob, "c")), { kind: "stored", seq: 3n });
      assert.equal((await setup.read(alice)).storeEpoch, storeEpoch);
    });
  }
}

function describeDedupe(subject: Subject): void {
  test("the same message id answers the first seq and keeps the first payload", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "before"));
    await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
    const again = await setup.store.log.append(setup.message(alice, "second", { id: "x" }));
    assert.deepEqual(again, { kind: "duplicate", seq: 2n });
    assert.deepEqual(textsOf(await setup.read(alice)), ["before", "first"]);
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "next")), { kind: "stored", seq: 3n });
  });

  test("of 50 parallel appends with one message id one is stored, and all answer its seq", async () => {
    await using setup = await Setup.make(subject);
    const calls = Array.from({ length: 50 }, (_, i) => setup.message(alice, `${i}`, { id: "x" }));
    const answers = await Promise.all(calls.map((call) => setup.store.log.append(call)));
    assert.equal(answers.filter(({ kind }) => kind === "stored").length, 1);
    assert.ok(answers.every((answer) => answer.kind !== "full" && answer.seq === 1n));
    assert.deepEqual(seqsOf(await setup.read(alice)), [1n]);
  });

  test("a message id that stands twice in one appendAll is stored once", async () => {
    await using setup = await Setup.make(subject);
    const entries = ["first", "second"].map((text) => setup.message(alice, text, { id: "x" }));
    assert.deepEqual(await setup.store.log.appendAll(entries), [
      { kind: "stored", seq: 1n },
      { kind: "duplicate", seq: 1n },
    ]);
    assert.deepEqual(textsOf(await setup.read(alice)), ["first"]);
  });

  test("one message id to two inboxes is two messages", async () => {
    await using setup = await Setup.make(subject);
    for (const inbox of [alice, bob, inboxOf("alice/channel")]) {
      const answer = await setup.store.log.append(setup.message(inbox, "hello", { id: "x" }));
      assert.deepEqual(answer, { kind: "stored", seq: 1n });
    }
  });

  test("a duplicate of an acknowledged message answers its first seq and is not delivered again", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
    await setup.store.log.ack(alice, 1n, 0n);
    const again = await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
    assert.deepEqual(again, { kind: "duplicate", seq: 1n });
    assert.deepEqual(seqsOf(await setup.read(alice)), []);
  });

  test("messages without an id are never duplicates", async () => {
    await using setup = await Setup.make(subject);
    for (let i = 0; i < 3; i++) await setup.store.log.append(setup.message(alice, "same"));
    assert.deepEqual(textsOf(await setup.read(alice)), ["same", "same", "same"]);
  });

  if (subject.keeps) {
    test("a message id is remembered after reopening", async () => {
      await using setup = await Setup.make(subject);
      await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
      await setup.reopen();
      const again = await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
      assert.deepEqual(again, { kind: "duplicate", seq: 1n });
    });
  }
}

function describeDepth(subject: Subject): void {
  test("a full inbox refuses further messages without using up a seq, and has room again after an ack", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 3 });
    const calls = Array.from({ length: 5 }, (_, i) => setup.store.log.append(setup.message(alice, `${i}`)));
    assert.deepEqual(await Promise.all(calls), [
      { kind: "stored", seq: 1n },
      { kind: "stored", seq: 2n },
      { kind: "stored", seq: 3n },
      { kind: "full" },
      { kind: "full" },
    ]);
    assert.deepEqual(await setup.store.log.append(setup.message(bob, "b")), { kind: "stored", seq: 1n });
    await setup.store.log.ack(alice, 1n, 0n);
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "5")), { kind: "stored", seq: 4n });
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "6")), { kind: "full" });
    assert.deepEqual(textsOf(await setup.read(alice)), ["1", "2", "5"]);
  });

  test("a message refused by a full inbox leaves its id free, and a duplicate is answered though it is full", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 1 });
    await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "new", { id: "y" })), { kind: "full" });
    const again = await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
    assert.deepEqual(again, { kind: "duplicate", seq: 1n });
    await setup.store.log.ack(alice, 1n, 0n);
    const later = await setup.store.log.append(setup.message(alice, "new", { id: "y" }));
    assert.deepEqual(later, { kind: "stored", seq: 2n });
  });

  test("in an appendAll a full inbox answers full and the others are stored, together", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 1 });
    await setup.store.log.append(setup.message(alice, "in the way"));
    const payload = new Uint8Array(1_000).fill(1);
    const entries = [alice, bob, inboxOf("carol")].map((inbox) => ({ ...setup.message(inbox, ""), payload }));
    const expected: Appended[] = [{ kind: "full" }, { kind: "stored", seq: 1n }, { kind: "stored", seq: 1n }];
    assert.deepEqual(await setup.store.log.appendAll(entries), expected);
    assert.deepEqual(textsOf(await setup.read(alice)), ["in the way"]);
    assert.deepEqual((await setup.read(bob)).messages[0]?.payload, payload);
  });
}

function describeRead(subject: Subject): void {
  test("an unknown inbox reads as empty, and is still unknown afterwards", async () => {
    await using setup = await Setup.make(subject);
    const answer = await setup.read(alice);
    assert.deepEqual(answer.messages, []);
    assert.deepEqual(answer.gap, { kind: "none", upTo: 0n });
    assert.ok(answer.storeEpoch > 0n);
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "a")), { kind: "stored", seq: 1n });
  });

  test("a read begins behind its cursor and ends at its limit", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.appendAll(Array.from({ length: 9 }, (_, i) => setup.message(alice, `${i + 1}`)));
    const query = { inbox: alice, storeEpoch: 0n, bytesMax: 1_000 };
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 3n, limit: 2 })), [4n, 5n]);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 8n, limit: 100 })), [9n]);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 9n, limit: 100 })), []);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 2n ** 64n - 1n, limit: 100 })), []);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 0n, limit: 0 })), [1n]);
  });

  test("a read ends before its bytes are exceeded, but always gives one message", async () => {
    await using setup = await Setup.make(subject);
    const sizes = [100, 100, 100, 5_000, 1];
    await setup.store.log.appendAll(sizes.map((bytes) => setup.message(alice, "x".repeat(bytes))));
    const query = { inbox: alice, storeEpoch: 0n, limit: 100 };
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 0n, bytesMax: 200 })), [1n, 2n]);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 0n, bytesMax: 299 })), [1n, 2n]);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 2n, bytesMax: 99 })), [3n]);
    assert.deepEqual(seqsOf(await setup.store.log.read({ ...query, after: 3n, bytesMax: 0 })), [4n]);
  });

  test("a read sees everything whose append resolved before it", async () => {
    await using setup = await Setup.make(subject);
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const inbox = inboxOf(`own ${i}`);
        for (let n = 1; n <= 5; n++) {
          await setup.store.log.append(setup.message(inbox, `${n}`));
          assert.deepEqual(seqsOf(await setup.read(inbox)), seqsUpTo(n));
        }
      }),
    );
  });

  test("a reader that changes the payload it was given changes nothing in the store", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "hello"));
    (await setup.read(alice)).messages[0]?.payload.fill(0);
    assert.deepEqual(textsOf(await setup.read(alice)), ["hello"]);
  });

  test("payloads of 0 bytes to 7 MiB come back identical, with the time they were stored", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 1_000_000 });
    const size = fc.oneof(
      fc.constantFrom(0, 1, 255, 256, 4_095, 4_096, 7 * 1024 * 1024),
      fc.integer({ min: 0, max: 70_000 }),
    );
    let sent = 0n;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(size, fc.nat(255)), { minLength: 1, maxLength: 4 }), async (specs) => {
        const payloads = specs.map(([bytes, fill]) => new Uint8Array(bytes).fill(fill));
        for (const [i, payload] of payloads.entries()) payload[payload.length - 1] = i;
        const entries = payloads.map((payload) => ({
          ...setup.message(alice, ""),
          payload,
        }));
        await Promise.all(entries.map((entry) => setup.store.log.append(entry)));
        const { messages } = await setup.read(alice, sent);
        sent += BigInt(payloads.length);
        assert.equal(messages.length, payloads.length);
        for (const [i, message] of messages.entries()) {
          assert.ok(Buffer.from(payloads[i] ?? []).equals(message.payload));
          assert.equal(message.enqueuedAtMs, setup.nowMs);
          assert.equal(message.expired, false);
        }
        await setup.store.log.ack(alice, sent, 0n);
      }),
      { numRuns: 12 },
    );
  });
}

function describeAck(subject: Subject): void {
  test("ack is cumulative and idempotent, and never goes back", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.appendAll(Array.from({ length: 5 }, (_, i) => setup.message(alice, `${i + 1}`)));
    assert.equal(await setup.store.log.ack(alice, 3n, 0n), true);
    assert.deepEqual(seqsOf(await setup.read(alice)), [4n, 5n]);
    assert.equal(await setup.store.log.ack(alice, 3n, 0n), true);
    assert.equal(await setup.store.log.ack(alice, 1n, 0n), true);
    assert.deepEqual(seqsOf(await setup.read(alice)), [4n, 5n]);
  });

  test("ack beyond the end removes up to the end only: the next message is delivered", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "1"));
    assert.equal(await setup.store.log.ack(alice, 2n ** 64n - 1n, 0n), true);
    await setup.store.log.append(setup.message(alice, "2"));
    assert.deepEqual(textsOf(await setup.read(alice)), ["2"]);
  });

  test("ack of an unknown inbox changes nothing", async () => {
    await using setup = await Setup.make(subject);
    assert.equal(await setup.store.log.ack(alice, 5n, 0n), true);
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "1")), { kind: "stored", seq: 1n });
    assert.deepEqual(textsOf(await setup.read(alice)), ["1"]);
  });

  test("ack with the store's epoch removes; with another one it removes nothing and answers false", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.appendAll([setup.message(alice, "1"), setup.message(alice, "2")]);
    const { storeEpoch } = await setup.read(alice);
    assert.equal(await setup.store.log.ack(alice, 1n, storeEpoch + 1n), false);
    assert.deepEqual(seqsOf(await setup.read(alice)), [1n, 2n]);
    assert.equal(await setup.store.log.ack(alice, 1n, storeEpoch), true);
    assert.deepEqual(seqsOf(await setup.read(alice)), [2n]);
  });

  test("a read with another store's epoch ignores the cursor and answers gap epochReset", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.appendAll(["1", "2", "3"].map((text) => setup.message(alice, text)));
    await setup.store.log.ack(alice, 1n, 0n);
    const { storeEpoch } = await setup.read(alice);
    const query = { inbox: alice, after: 900n, limit: 10, bytesMax: 1_000 };
    const other = await setup.store.log.read({ ...query, storeEpoch: storeEpoch + 1n });
    assert.deepEqual(other.gap, { kind: "epochReset", upTo: 1n });
    assert.deepEqual(seqsOf(other), [2n, 3n]);
    assert.equal(other.storeEpoch, storeEpoch);
    const unknownInbox = await setup.store.log.read({ ...query, inbox: bob, storeEpoch: storeEpoch + 1n });
    assert.equal(unknownInbox.gap.kind, "epochReset");
    const own = await setup.store.log.read({ ...query, after: 2n, storeEpoch });
    assert.deepEqual(own.gap, { kind: "none", upTo: 1n });
    assert.deepEqual(seqsOf(own), [3n]);
  });
}
