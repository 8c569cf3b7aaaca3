/** The promises of MessageLog about time: expiry, tombstones, gaps, the sweep, the end of the dedupe window. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultLimits, inboxOf, Setup, type Subject, seqsOf, textsOf } from "./subject.ts";

const alice = inboxOf("alice");

export function describeMessageLife(subject: Subject): void {
  describe(`message life on ${subject.name}`, () => {
    describeExpiry(subject);
    describeSweep(subject);
  });
}

function describeExpiry(subject: Subject): void {
  test("a message whose life is over is not delivered, swept or not", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "short", { lifeMs: 100 }));
    await setup.store.log.append(setup.message(alice, "long", { lifeMs: 1_000 }));
    setup.nowMs += 99;
    assert.deepEqual(textsOf(await setup.read(alice)), ["short", "long"]);
    setup.nowMs += 1;
    const [first, second] = (await setup.read(alice)).messages;
    assert.deepEqual([first?.seq, first?.expired, first?.payload.length], [1n, true, 0]);
    assert.deepEqual([second?.seq, second?.expired], [2n, false]);
  });

  test("expired messages at the head go with the sweep, and the reader is told the gap until it acknowledges", async () => {
    await using setup = await Setup.make(subject);
    for (const text of ["1", "2"]) await setup.store.log.append(setup.message(alice, text, { lifeMs: 100 }));
    await setup.store.log.append(setup.message(alice, "3"));
    setup.nowMs += 100;
    await setup.sweepAll();
    const answer = await setup.read(alice);
    assert.deepEqual(answer.gap, { kind: "expired", upTo: 2n });
    assert.deepEqual(textsOf(answer), ["3"]);
    assert.deepEqual((await setup.read(alice, 1n)).gap, { kind: "expired", upTo: 2n });
    assert.deepEqual((await setup.read(alice, 2n)).gap, { kind: "none", upTo: 0n });
    await setup.store.log.ack(alice, 2n, 0n);
    assert.deepEqual((await setup.read(alice)).gap, { kind: "none", upTo: 2n });
    assert.deepEqual(textsOf(await setup.read(alice)), ["3"]);
  });

  test("an expired message behind a living one leaves a tombstone in its place", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "1"));
    await setup.store.log.append(setup.message(alice, "2", { lifeMs: 100 }));
    await setup.store.log.append(setup.message(alice, "3"));
    setup.nowMs += 100;
    await setup.sweepAll();
    const answer = await setup.read(alice);
    assert.deepEqual(answer.gap, { kind: "none", upTo: 0n });
    assert.deepEqual(seqsOf(answer), [1n, 2n, 3n]);
    assert.deepEqual(
      answer.messages.map(({ expired }) => expired),
      [false, true, false],
    );
    assert.deepEqual(textsOf(answer), ["1", "", "3"]);
  });

  test("a tombstone that became the head goes with the next sweep", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "1"));
    for (const text of ["2", "3"]) await setup.store.log.append(setup.message(alice, text, { lifeMs: 100 }));
    await setup.store.log.append(setup.message(alice, "4"));
    setup.nowMs += 100;
    await setup.sweepAll();
    await setup.store.log.ack(alice, 1n, 0n);
    await setup.sweepAll();
    const answer = await setup.read(alice);
    assert.deepEqual(answer.gap, { kind: "expired", upTo: 3n });
    assert.deepEqual(textsOf(answer), ["4"]);
  });

  test("an inbox that expired wholly has room again, and its seqs go on", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 2 });
    for (const text of ["1", "2"]) await setup.store.log.append(setup.message(alice, text, { lifeMs: 100 }));
    setup.nowMs += 100;
    await setup.sweepAll();
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "3")), { kind: "stored", seq: 3n });
    if (subject.keeps) await setup.reopen();
    const answer = await setup.read(alice);
    assert.deepEqual(answer.gap, { kind: "expired", upTo: 2n });
    assert.deepEqual(seqsOf(answer), [3n]);
    assert.deepEqual(await setup.store.log.append(setup.message(alice, "4")), { kind: "stored", seq: 4n });
  });

  test("a payload shared by many inboxes is intact where it lives on after expiring elsewhere", async () => {
    await using setup = await Setup.make(subject);
    const payload = new Uint8Array(2_000).fill(9);
    const bob = inboxOf("bob");
    await setup.store.log.append(setup.message(alice, "in front"));
    await setup.store.log.appendAll([
      { ...setup.message(alice, "", { lifeMs: 100 }), payload },
      { ...setup.message(bob, ""), payload },
    ]);
    setup.nowMs += 100;
    await setup.sweepAll();
    assert.deepEqual(
      (await setup.read(alice)).messages.map(({ expired }) => expired),
      [false, true],
    );
    assert.deepEqual((await setup.read(bob)).messages[0]?.payload, payload);
  });
}

function describeSweep(subject: Subject): void {
  test("a sweep touches at most rowsMax rows and says how many, down to none", async () => {
    await using setup = await Setup.make(subject);
    const inboxes = Array.from({ length: 5 }, (_, i) => inboxOf(`inbox ${i}`));
    for (const inbox of inboxes) {
      await setup.store.log.append(setup.message(inbox, "living"));
      for (let i = 0; i < 4; i++) await setup.store.log.append(setup.message(inbox, `${i}`, { lifeMs: 100 }));
    }
    assert.equal(await setup.store.log.sweep(7), 0);
    setup.nowMs += 100;
    // 20 tombstones to make ...
    assert.deepEqual([await setup.store.log.sweep(7), await setup.store.log.sweep(7)], [7, 7]);
    assert.deepEqual([await setup.store.log.sweep(7), await setup.store.log.sweep(7)], [6, 0]);
    // ... and 20 to remove once nothing stands before them.
    for (const inbox of inboxes) await setup.store.log.ack(inbox, 1n, 0n);
    assert.deepEqual([await setup.store.log.sweep(15), await setup.store.log.sweep(15)], [15, 5]);
    assert.equal(await setup.store.log.sweep(15), 0);
    for (const inbox of inboxes) {
      assert.deepEqual((await setup.read(inbox)).gap, { kind: "expired", upTo: 5n });
      assert.deepEqual(seqsOf(await setup.read(inbox)), []);
    }
  });

  test("a sweep of nothing touches nothing", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "1", { lifeMs: 1 }));
    setup.nowMs += 10;
    assert.equal(await setup.store.log.sweep(0), 0);
    assert.equal(await setup.store.log.sweep(1), 1);
  });

  test("a message id is remembered for the whole dedupe window and forgotten by the sweep after it", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.append(setup.message(alice, "first", { id: "x" }));
    await setup.store.log.ack(alice, 1n, 0n);
    setup.nowMs += defaultLimits.dedupeWindowMs;
    await setup.sweepAll();
    const inTime = await setup.store.log.append(setup.message(alice, "again", { id: "x" }));
    assert.deepEqual(inTime, { kind: "duplicate", seq: 1n });
    setup.nowMs += 1;
    assert.equal(await setup.store.log.sweep(10), 1);
    const tooLate = await setup.store.log.append(setup.message(alice, "again", { id: "x" }));
    assert.deepEqual(tooLate, { kind: "stored", seq: 2n });
  });
}
