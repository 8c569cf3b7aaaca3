/** The promises about the share of an inbox that one sender may fill. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Append, type Appended, refusedSender } from "../../src/store/port.ts";
import { identityOf, inboxOf, messageIdOf, Setup, type Subject, seqsUpTo } from "./subject.ts";

const inbox = inboxOf("alice");
const [mallory, bob] = [identityOf("mallory"), identityOf("bob")];
const stored = (seq: number): Appended => ({ kind: "stored", seq: BigInt(seq) });
const ofSender: Appended = { kind: "full", ofSender: true };

export function describeSenderShare(subject: Subject): void {
  describe(`senders' shares on ${subject.name}`, () => {
    describeAppends(subject);
    describeConcurrency(subject);
    describeCommits(subject);
  });
}

/** Of inboxes of 20 messages a sender has 5. */
function make(subject: Subject): Promise<Setup> {
  return Setup.make(subject, { queueDepthMax: 20 });
}

function from(setup: Setup, sender: Uint8Array | undefined, options: Partial<Append> & { id?: string } = {}): Append {
  const { id, ...fields } = options;
  return { ...setup.message(inbox, "x", id === undefined ? {} : { id }), sender, ...fields };
}

function describeAppends(subject: Subject): void {
  test("a sender holds a quarter of an inbox, and the others still reach it, up to its depth", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    for (let n = 1; n <= 5; n++) assert.deepEqual(await log.append(from(setup, mallory)), stored(n));
    assert.deepEqual(await log.append(from(setup, mallory)), ofSender);
    if (subject.keeps) await setup.reopen();
    const { log: reopened } = setup.store;
    assert.deepEqual(await reopened.append(from(setup, mallory)), ofSender);
    assert.deepEqual(await reopened.append(from(setup, bob)), stored(6));
    for (let n = 7; n <= 20; n++) assert.deepEqual(await reopened.append(from(setup, undefined)), stored(n));
    for (const sender of [mallory, bob, undefined]) {
      assert.deepEqual(await reopened.append(from(setup, sender)), { kind: "full" });
    }
    // of another inbox it has its share
    assert.deepEqual(await reopened.append(from(setup, mallory, { inbox: inboxOf("carol") })), stored(1));
  });

  test("acknowledged and trimmed messages give room back, tombstones don't", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    await log.append(from(setup, bob, { expiresAtMs: setup.nowMs + 10_000 }));
    const expiresAtMs = setup.nowMs + 100;
    for (let n = 2; n <= 6; n++) await log.append(from(setup, mallory, { expiresAtMs }));
    setup.nowMs += 100;
    await setup.sweepAll();
    assert.deepEqual(await log.append(from(setup, mallory)), ofSender);
    await log.ack(inbox, 3n, 0n);
    for (const n of [7, 8]) assert.deepEqual(await log.append(from(setup, mallory)), stored(n));
    assert.deepEqual(await log.append(from(setup, mallory)), ofSender);
    await setup.sweepAll();
    for (const n of [9, 10, 11]) assert.deepEqual(await log.append(from(setup, mallory)), stored(n));
    assert.deepEqual(await log.append(from(setup, mallory)), ofSender);
  });

  test("beyond the share a repeated message answers its first seq, and a refused one leaves its id free", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    for (let n = 1; n <= 5; n++) await log.append(from(setup, mallory, { id: `${n}` }));
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await log.append(from(setup, mallory, { id: "2" })), { kind: "duplicate", seq: 2n });
      assert.deepEqual(await log.append(from(setup, mallory, { id: "6" })), ofSender);
    }
    await log.ack(inbox, 1n, 0n);
    assert.deepEqual(await log.append(from(setup, mallory, { id: "6" })), stored(6));
  });

  test("entries of one call are told apart: those beyond the share are left out, the others stand without a hole", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    const payload = new Uint8Array(300);
    const entries = [mallory, mallory, bob, mallory, mallory, undefined, mallory, mallory, bob, mallory].map((sender) =>
      from(setup, sender, { payload }),
    );
    const answers = await log.appendAll([...entries, from(setup, mallory, { inbox: inboxOf("carol"), payload })]);
    const expected = [1, 2, 3, 4, 5, 6, 7].map(stored);
    assert.deepEqual(answers, [...expected, ofSender, stored(8), ofSender, stored(1)]);
    const { messages } = await setup.read(inbox);
    assert.deepEqual(
      messages.map(({ seq }) => seq),
      seqsUpTo(8),
    );
    assert.ok(messages.every(({ payload }) => payload.length === 300));
  });
}

function describeConcurrency(subject: Subject): void {
  test("of concurrent appends of one sender at the border never more than the share are stored", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    for (let round = 0; round < 5; round++) {
      const to = { inbox: inboxOf(`round ${round}`) };
      for (let i = 0; i < round; i++) await log.append(from(setup, mallory, to));
      const appends = Array.from({ length: 12 }, (_, i) => [
        log.append(from(setup, mallory, { ...to, ...(i % 2 === 0 && { messageId: messageIdOf(`${i}`) }) })),
        log.append(from(setup, i % 3 === 0 ? bob : undefined, to)),
      ]).flat();
      const answers = await Promise.all(appends);
      const ofMallory = answers.filter((_, i) => i % 2 === 0);
      assert.equal(ofMallory.filter(({ kind }) => kind === "stored").length, 5 - round);
      const seqs = answers.flatMap((answer) => (answer.kind === "stored" ? [answer.seq] : []));
      assert.deepEqual(
        (await setup.read(to.inbox)).messages.map(({ seq }) => seq),
        seqsUpTo(round + seqs.length),
      );
      assert.equal(new Set(seqs).size, seqs.length);
    }
  });
}

function describeCommits(subject: Subject): void {
  const commit = (setup: Setup, epoch: number, entries: readonly Append[]) =>
    setup.store.log.commitGroup({
      groupId: identityOf("group"),
      epoch: BigInt(epoch),
      proofHash: new Uint8Array(32),
      nextProofHash: new Uint8Array(32),
      messageId: messageIdOf(`commit ${epoch}`),
      entries,
    });

  test("for a commit a full share is a full inbox: seq 0, and the reader is told gap overflow, once", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    const other = from(setup, mallory, { inbox: inboxOf("carol") });
    for (let n = 1; n <= 5; n++) {
      const { seqs } = (await commit(setup, n, [from(setup, mallory), other])) as { seqs: readonly bigint[] };
      assert.deepEqual(seqs, [BigInt(n), BigInt(n)]);
    }
    await log.ack(inboxOf("carol"), 5n, 0n);
    for (let n = 6; n <= 8; n++) {
      const { seqs } = (await commit(setup, n, [from(setup, mallory), other])) as { seqs: readonly bigint[] };
      assert.deepEqual(seqs, [0n, BigInt(n)]);
    }
    const repeated = await commit(setup, 6, []);
    assert.deepEqual(repeated, { kind: "repeated", seqs: [0n, 6n] });
    // one mark stands for all that were lost, so that a sender fills no inbox with them
    assert.deepEqual((await setup.read(inbox, 5n)).gap, { kind: "overflow", upTo: 6n });
    assert.deepEqual(await log.append(from(setup, bob)), stored(7));
    await commit(setup, 9, [from(setup, mallory)]);
    assert.deepEqual(await log.append(from(setup, bob)), stored(9));
  });

  test("a commit by who has no share is one into a full share, also where nobody wrote before", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    const both = [from(setup, refusedSender), from(setup, bob, { inbox: inboxOf("carol") })];
    for (const n of [1, 2]) {
      const { seqs } = (await commit(setup, n, both)) as { seqs: readonly bigint[] };
      assert.deepEqual(seqs, [0n, BigInt(n)]);
    }
    assert.deepEqual((await setup.read(inbox)).gap, { kind: "overflow", upTo: 1n });
    assert.deepEqual(await log.append(from(setup, mallory)), stored(2));
    await log.ack(inbox, 2n, 0n);
    await commit(setup, 3, both);
    assert.deepEqual((await setup.read(inbox)).gap, { kind: "overflow", upTo: 3n });
  });

  test("behind a mark one message is answered, however large it is", async () => {
    await using setup = await make(subject);
    const { log } = setup.store;
    for (let n = 1; n <= 6; n++) await commit(setup, n, [from(setup, mallory)]);
    await log.append(from(setup, bob, { payload: new Uint8Array(300) }));
    const answer = await log.read({ inbox, after: 5n, storeEpoch: 0n, limit: 5, bytesMax: 10 });
    assert.deepEqual(answer.gap, { kind: "overflow", upTo: 6n });
    assert.deepEqual(
      answer.messages.map(({ seq, payload }) => [seq, payload.length]),
      [[7n, 300]],
    );
  });
}
