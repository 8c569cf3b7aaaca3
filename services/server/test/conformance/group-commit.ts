/** The promises of MessageLog.commitGroup: one winner an epoch, epoch and entries as one, repeats, proofs, full inboxes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { GroupCommit } from "../../src/store/port.ts";
import { defaultLimits, inboxOf, messageIdOf, Setup, type Subject, seqsOf, textsOf } from "./subject.ts";

const [alice, bob, carol] = [inboxOf("alice"), inboxOf("bob"), inboxOf("carol")];
const groupId = messageIdOf("group");

/** A commit that leaves `epoch`; its proofs are those of the epochs unless said otherwise. */
function commitOf(setup: Setup, epoch: number, given: Partial<GroupCommit> & { id?: string } = {}): GroupCommit {
  const { id = `commit of ${epoch}`, ...fields } = given;
  return {
    groupId,
    epoch: BigInt(epoch),
    proofHash: hashOf(epoch),
    nextProofHash: hashOf(epoch + 1),
    messageId: messageIdOf(id),
    entries: [setup.message(alice, `commit of ${epoch} to alice`), setup.message(bob, `commit of ${epoch} to bob`)],
    ...fields,
  };
}

function hashOf(epoch: number): Uint8Array {
  return createHash("sha256").update(`proof of epoch ${epoch}`).digest();
}

export function describeGroupCommit(subject: Subject): void {
  describe(`group commits on ${subject.name}`, () => {
    describeOrder(subject);
    describeRepeats(subject);
    describeOverflow(subject);
  });
}

function describeOrder(subject: Subject): void {
  test("the first commit sets the group, whatever its proof; the next ones follow epoch by epoch", async () => {
    await using setup = await Setup.make(subject);
    const { log } = setup.store;
    const first = await log.commitGroup(commitOf(setup, 5, { proofHash: new Uint8Array(32) }));
    assert.deepEqual(first, { kind: "accepted", seqs: [1n, 1n] });
    assert.deepEqual(await log.commitGroup(commitOf(setup, 6)), { kind: "accepted", seqs: [2n, 2n] });
    assert.deepEqual(textsOf(await setup.read(bob)), ["commit of 5 to bob", "commit of 6 to bob"]);
  });

  test("of 50 commits of one epoch at once exactly one wins, and only its entries are delivered", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.commitGroup(commitOf(setup, 0));
    const tries = Array.from({ length: 50 }, (_, i) =>
      setup.store.log.commitGroup(commitOf(setup, 1, { id: `try ${i}`, entries: [setup.message(carol, `try ${i}`)] })),
    );
    const answers = await Promise.all(tries);
    const winner = answers.findIndex(({ kind }) => kind === "accepted");
    assert.equal(answers.filter(({ kind }) => kind === "accepted").length, 1);
    assert.equal(answers.filter(({ kind }) => kind === "epochTaken").length, 49);
    assert.deepEqual(textsOf(await setup.read(carol)), [`try ${winner}`]);
  });

  test("an epoch behind, an epoch ahead and a wrong proof deliver nothing and move nothing", async () => {
    await using setup = await Setup.make(subject);
    const { log } = setup.store;
    await log.commitGroup(commitOf(setup, 3));
    assert.deepEqual(await log.commitGroup(commitOf(setup, 3, { id: "again" })), { kind: "epochTaken" });
    assert.deepEqual(await log.commitGroup(commitOf(setup, 5)), { kind: "epochTaken" });
    // what a member knows who was removed by the commit of epoch 3
    const removed = commitOf(setup, 4, { id: "removed", proofHash: hashOf(3) });
    assert.deepEqual(await log.commitGroup(removed), { kind: "badProof" });
    assert.deepEqual(seqsOf(await setup.read(alice)), [1n]);
    assert.equal((await log.commitGroup(commitOf(setup, 4))).kind, "accepted");
  });

  test("groups do not know each other, and a group is forgotten after its life", async () => {
    await using setup = await Setup.make(subject);
    const { log } = setup.store;
    await log.commitGroup(commitOf(setup, 7));
    const other = await log.commitGroup(commitOf(setup, 0, { groupId: messageIdOf("other") }));
    assert.equal(other.kind, "accepted");
    setup.nowMs += defaultLimits.groupLifeMs;
    await setup.sweepAll();
    assert.equal((await log.commitGroup(commitOf(setup, 0, { id: "kept" }))).kind, "epochTaken");
    setup.nowMs += 1;
    await setup.sweepAll();
    assert.equal((await log.commitGroup(commitOf(setup, 0, { id: "anew" }))).kind, "accepted");
  });

  if (subject.keeps) {
    test("the order holds after the store is opened again", async () => {
      await using setup = await Setup.make(subject);
      await setup.store.log.commitGroup(commitOf(setup, 0));
      await setup.reopen();
      assert.equal((await setup.store.log.commitGroup(commitOf(setup, 0, { id: "again" }))).kind, "epochTaken");
      assert.equal((await setup.store.log.commitGroup(commitOf(setup, 1))).kind, "accepted");
    });
  }
}

function describeRepeats(subject: Subject): void {
  test("a repeated commit answers its first seqs and stores nothing, also when the group has moved on", async () => {
    await using setup = await Setup.make(subject);
    const { log } = setup.store;
    await log.append(setup.message(alice, "before"));
    const first = await log.commitGroup(commitOf(setup, 0));
    await log.commitGroup(commitOf(setup, 1));
    if (subject.keeps) await setup.reopen();
    const again = await setup.store.log.commitGroup(commitOf(setup, 0));
    assert.deepEqual(first, { kind: "accepted", seqs: [2n, 1n] });
    assert.deepEqual(again, { kind: "repeated", seqs: [2n, 1n] });
    assert.deepEqual(seqsOf(await setup.read(alice)), [1n, 2n, 3n]);
  });

  test("two equal commits at once are one", async () => {
    await using setup = await Setup.make(subject);
    const commit = commitOf(setup, 0);
    const answers = await Promise.all([1, 2, 3].map(() => setup.store.log.commitGroup(commit)));
    assert.deepEqual(answers.map(({ kind }) => kind).sort(), ["accepted", "repeated", "repeated"]);
    assert.deepEqual(seqsOf(await setup.read(bob)), [1n]);
  });

  test("after the dedupe window a repeat is a commit of a taken epoch", async () => {
    await using setup = await Setup.make(subject);
    await setup.store.log.commitGroup(commitOf(setup, 0));
    setup.nowMs += defaultLimits.dedupeWindowMs + 1;
    await setup.sweepAll();
    assert.deepEqual(await setup.store.log.commitGroup(commitOf(setup, 0)), { kind: "epochTaken" });
  });
}

function describeOverflow(subject: Subject): void {
  test("a full inbox answers 0, the others have the commit, and the reader meets gap overflow in its order", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 2 });
    const { log } = setup.store;
    for (const text of ["1", "2"]) await log.append(setup.message(alice, text));
    assert.deepEqual(await log.commitGroup(commitOf(setup, 0)), { kind: "accepted", seqs: [0n, 1n] });
    const before = await setup.read(alice);
    assert.deepEqual([textsOf(before), before.gap.kind], [["1", "2"], "none"]);
    await log.ack(alice, 1n, 0n);
    await log.ack(alice, 2n, 0n);
    await log.append(setup.message(alice, "after"));
    const told = await setup.read(alice, 2n);
    assert.deepEqual(told.gap, { kind: "overflow", upTo: 3n });
    assert.deepEqual(seqsOf(told), [4n]);
    assert.deepEqual((await setup.read(alice, 4n)).gap.kind, "none");
  });

  test("a gap in the middle ends an answer: it is told before what comes behind it", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 2 });
    const { log } = setup.store;
    for (const text of ["1", "2"]) await log.append(setup.message(alice, text));
    await log.commitGroup(commitOf(setup, 0));
    await log.ack(alice, 1n, 0n);
    // the mark counts: with 2 and the mark the inbox is full again
    assert.deepEqual(await log.append(setup.message(alice, "no room")), { kind: "full" });
    assert.deepEqual(seqsOf(await setup.read(alice)), [2n]);
  });

  test("many losses in a row are one mark, which the sweep leaves and an ack removes", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 1 });
    const { log } = setup.store;
    await log.append(setup.message(alice, "1"));
    for (let epoch = 0; epoch < 5; epoch++) {
      const answer = await log.commitGroup(commitOf(setup, epoch, { entries: [setup.message(alice, `${epoch}`)] }));
      assert.deepEqual(answer, { kind: "accepted", seqs: [0n] });
    }
    await log.ack(alice, 1n, 0n);
    await setup.sweepAll();
    assert.deepEqual((await setup.read(alice)).gap, { kind: "overflow", upTo: 2n });
    await log.ack(alice, 2n, 0n);
    assert.deepEqual((await setup.read(alice)).gap, { kind: "none", upTo: 2n });
    assert.deepEqual(await log.append(setup.message(alice, "3")), { kind: "stored", seq: 3n });
  });

  test("a mark ends its life like a message: an inbox that nobody reads has room again, and its reader is told", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 2 });
    const { log } = setup.store;
    for (const text of ["1", "2"]) await log.append(setup.message(alice, text, { lifeMs: 100 }));
    const entries = [setup.message(alice, "lost", { lifeMs: 100 })];
    assert.deepEqual(await log.commitGroup(commitOf(setup, 0, { entries })), { kind: "accepted", seqs: [0n] });
    setup.nowMs += 100;
    await setup.sweepAll();
    for (const text of ["4", "5"]) await log.append(setup.message(alice, text));
    if (subject.keeps) await setup.reopen();
    const answer = await setup.read(alice);
    assert.deepEqual(answer.gap, { kind: "expired", upTo: 3n });
    assert.deepEqual(textsOf(answer), ["4", "5"]);
  });

  test("a mark whose life ended behind a living message is still told as gap overflow in its place", async () => {
    await using setup = await Setup.make(subject, { queueDepthMax: 2 });
    const { log } = setup.store;
    for (const text of ["1", "2"]) await log.append(setup.message(alice, text));
    await log.commitGroup(commitOf(setup, 0, { entries: [setup.message(alice, "lost", { lifeMs: 100 })] }));
    setup.nowMs += 100;
    await setup.sweepAll();
    assert.deepEqual(textsOf(await setup.read(alice)), ["1", "2"]);
    assert.deepEqual((await setup.read(alice, 2n)).gap, { kind: "overflow", upTo: 3n });
    await log.ack(alice, 2n, 0n);
    await setup.sweepAll();
    assert.deepEqual((await setup.read(alice, 2n)).gap, { kind: "expired", upTo: 3n });
  });

  test("with no gap upTo says what is acknowledged, so a reader with an older state learns of it", async () => {
    await using setup = await Setup.make(subject);
    for (const text of ["1", "2", "3"]) await setup.store.log.append(setup.message(alice, text));
    assert.deepEqual((await setup.read(alice)).gap, { kind: "none", upTo: 0n });
    await setup.store.log.ack(alice, 2n, 0n);
    assert.deepEqual((await setup.read(alice, 1n)).gap, { kind: "none", upTo: 2n });
    assert.deepEqual((await setup.read(bob)).gap, { kind: "none", upTo: 0n });
  });
}
