/** The checker of the chaos trial is seen red for every fault it is there to find, and green without one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Book, noTrialFaults, type TrialFaults } from "./book.ts";
import { lateMs, recoveryMs } from "./lateness.ts";
import { payloadOf } from "./messages.ts";

class HandmadeTrial {
  nowMs = 0;
  readonly book = new Book(() => this.nowMs);

  /** Acknowledged: the sender's number is the seq unless it is said. */
  acknowledge(seq: number, number = seq): this {
    this.book.acknowledge("alice", BigInt(seq), letter(number), "sender 1");
    return this;
  }

  receive(seq: number, number = seq): this {
    this.book.receive("alice", BigInt(seq), letter(number), "reader 1");
    return this;
  }

  remove(upTo: number): this {
    this.book.remove("alice", BigInt(upTo), "reader 1");
    return this;
  }

  pass(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  finds(faults: Partial<TrialFaults>): void {
    assert.deepEqual(this.book.faults(), { ...noTrialFaults, ...faults });
  }
}

function letter(number: number): Uint8Array {
  return payloadOf({ kind: "letter", sender: 1, number });
}

function commitPayload(rival: number): Uint8Array {
  return payloadOf({ kind: "commit", group: 3, epoch: 8, rival });
}

test("what was received in order, acknowledged before or after, is without fault", () => {
  const trial = new HandmadeTrial().acknowledge(1).receive(1).receive(2).acknowledge(2).remove(2).receive(3);
  trial.finds({});
  assert.equal(trial.book.missing, 0);
  assert.deepEqual([trial.book.acknowledged, trial.book.received], [2, 3]);
});

test("a message read again before its removal was confirmed is without fault, also when it overtakes nothing", () => {
  new HandmadeTrial().receive(1).receive(2).receive(1).receive(2).remove(2).receive(3).finds({});
});

test("an acknowledged message that never comes is lost, and counted as missing", () => {
  const trial = new HandmadeTrial().acknowledge(1).acknowledge(2).receive(1);
  trial.finds({ lost: 1 });
  assert.equal(trial.book.missing, 1);
});

test("a message that comes again after its confirmed removal is duplicated", () => {
  new HandmadeTrial().acknowledge(1).receive(1).remove(1).receive(1).finds({ duplicated: 1 });
});

test("a message that is stored twice is duplicated, and overtakes itself", () => {
  new HandmadeTrial().receive(1, 7).receive(2, 7).finds({ duplicated: 1, overtaken: 1 });
});

test("a hole in the seqs is a gap, and what fills it later is out of order", () => {
  new HandmadeTrial().receive(1).receive(3).finds({ gaps: 1 });
  new HandmadeTrial().receive(1).receive(3, 2).receive(2, 3).finds({ gaps: 1, outOfOrder: 1 });
});

test("a sender's message that comes behind a later one of the same sender was overtaken", () => {
  new HandmadeTrial().receive(1, 5).receive(2, 4).finds({ overtaken: 1 });
});

test("a seq under which another message comes is altered, and the acknowledged one is lost", () => {
  new HandmadeTrial().acknowledge(1, 4).receive(1, 5).finds({ altered: 1, lost: 1 });
});

test("a reader who is told that messages are gone was told of a loss", () => {
  const trial = new HandmadeTrial();
  trial.book.toldLost("alice", 4n, "expired");
  trial.finds({ toldLost: 1 });
});

test("an answer that no sound server gives is counted", () => {
  const trial = new HandmadeTrial();
  trial.book.unexpected("E034_INTERNAL");
  trial.finds({ unexpected: 1 });
});

test("a message on its way for longer than a hint may take is late, whether it comes or not", () => {
  new HandmadeTrial()
    .acknowledge(1)
    .pass(lateMs + 1)
    .receive(1)
    .finds({ late: 1 });
  new HandmadeTrial()
    .acknowledge(1)
    .pass(lateMs + 1)
    .finds({ late: 1, lost: 1 });
  new HandmadeTrial().acknowledge(1).pass(lateMs).receive(1).finds({});
});

test("while something is broken, and for a while after it, nothing is late", () => {
  const trial = new HandmadeTrial();
  const end = trial.book.lateness.beginFault(trial.nowMs);
  trial
    .acknowledge(1)
    .pass(lateMs + 1)
    .receive(1);
  end(trial.nowMs);
  trial
    .pass(recoveryMs)
    .acknowledge(2)
    .pass(lateMs + 1)
    .receive(2)
    .finds({});
  trial
    .pass(1)
    .acknowledge(3)
    .pass(lateMs + 1)
    .receive(3)
    .finds({ late: 1 });
});

test("while the clients themselves do nothing, nothing is late", () => {
  const trial = new HandmadeTrial().acknowledge(1).pass(lateMs + 1);
  trial.book.stall(0, trial.nowMs);
  trial.receive(1).finds({});
});

test("what is on its way when something breaks is not late by it", () => {
  const trial = new HandmadeTrial().acknowledge(1).pass(lateMs / 2);
  trial.book.lateness.beginFault(trial.nowMs);
  trial.pass(lateMs).receive(1).finds({});
});

test("two commits of one epoch that are both accepted are found, and one that is accepted twice is none", () => {
  const { book } = new HandmadeTrial();
  book.acceptCommit({ group: 3, epoch: 8, rival: 0 });
  book.acceptCommit({ group: 3, epoch: 8, rival: 0 });
  assert.deepEqual(book.faults(), noTrialFaults);
  book.acceptCommit({ group: 3, epoch: 8, rival: 1 });
  assert.deepEqual(book.faults(), { ...noTrialFaults, twoCommits: 1 });
});

test("a commit that was refused and comes to a member all the same is found", () => {
  const { book } = new HandmadeTrial();
  book.acceptCommit({ group: 3, epoch: 8, rival: 0 });
  book.refuseCommit({ group: 3, epoch: 8, rival: 1 });
  book.receive("alice", 1n, commitPayload(0), "reader 1");
  assert.deepEqual(book.faults(), noTrialFaults);
  book.receive("alice", 2n, commitPayload(1), "reader 1");
  assert.deepEqual(book.faults(), { ...noTrialFaults, refusedAndDelivered: 1 });
});

test("a commit that comes to a member before its sender is told that it was refused is found too", () => {
  const { book } = new HandmadeTrial();
  book.receive("alice", 1n, commitPayload(1), "reader 1");
  book.refuseCommit({ group: 3, epoch: 8, rival: 1 });
  assert.deepEqual(book.faults(), { ...noTrialFaults, refusedAndDelivered: 1 });
});

test("the lines tell of the faults, and of what happened to the messages concerned and to no others", () => {
  const trial = new HandmadeTrial();
  trial.pass(1_500).book.timeLine.fault("SIGKILL of front-end 1");
  trial.pass(1_000).acknowledge(1).acknowledge(2).receive(1).pass(250).receive(3);
  assert.deepEqual(trial.book.lines(), [
    "lost: 1, of them 616c69/2",
    "gaps: 1, of them 616c69/3",
    "    1.500 s  SIGKILL of front-end 1",
    "    2.500 s  616c69/2 acknowledged by sender 1",
    "    2.750 s  616c69/3 received by reader 1",
  ]);
});
