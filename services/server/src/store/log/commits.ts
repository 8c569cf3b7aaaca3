/** Groups: which epoch is next, and the hash of the proof that its committer must show. */
import { timingSafeEqual } from "node:crypto";
import { latin1 } from "quicproquo-proto";
import type { Append, GroupCommit, GroupCommitted } from "../port.ts";
import type { Journal } from "./journal.ts";

export type CommitsParts = {
  /** Writes the entries; answers their seqs, 0 where the inbox was full. */
  readonly append: (entries: readonly Append[], nowMs: number) => readonly bigint[];
  readonly groupLifeMs: number;
  readonly dedupeWindowMs: number;
};

export class Commits {
  readonly #journal: Journal;
  readonly #parts: CommitsParts;

  constructor(journal: Journal, parts: CommitsParts) {
    this.#journal = journal;
    this.#parts = parts;
  }

  /** Epoch and entries are of one batch. */
  commit(commit: GroupCommit, nowMs: number): GroupCommitted {
    const { epoch, entries, nextProofHash } = commit;
    const { groups } = this.#journal.state;
    const [groupId, messageId] = [latin1(commit.groupId), latin1(commit.messageId)];
    const repeat = groups.commit({ groupId, messageId });
    if (repeat !== undefined) return { kind: "repeated", seqs: repeat.seqs.map(BigInt) };
    const group = groups.group(groupId);
    if (group !== undefined) {
      if (BigInt(group.nextEpoch) !== epoch) return { kind: "epochTaken" };
      if (!timingSafeEqual(group.proofHash, commit.proofHash)) return { kind: "badProof" };
    }
    const proofHash = Uint8Array.from(nextProofHash);
    this.#journal.group({ groupId, nextEpoch: Number(epoch) + 1, proofHash, usedAtMs: nowMs });
    const seqs = this.#parts.append(entries, nowMs);
    this.#journal.groupCommit({ groupId, messageId, seqs: seqs.map(Number), committedAtMs: nowMs });
    return { kind: "accepted", seqs };
  }

  /** The oldest first; when the clock was set back, one may wait for those before it. */
  sweep(rowsMax: number, nowMs: number): number {
    const { groups } = this.#journal.state;
    let rows = 0;
    for (const commit of groups.commits) {
      if (rows >= rowsMax || commit.committedAtMs >= nowMs - this.#parts.dedupeWindowMs) break;
      this.#journal.removeGroupCommit(commit);
      rows++;
    }
    for (const { groupId, usedAtMs } of groups.groups) {
      if (rows >= rowsMax || usedAtMs >= nowMs - this.#parts.groupLifeMs) break;
      this.#journal.removeGroup(groupId);
      rows++;
    }
    return rows;
  }
}
