/**
 * Groups and their accepted commits: which epoch is next, and the hash of the proof that its committer must show. Writing
 * thread only, inside the batch's transaction, so that the epoch and the entries are one.
 */
import { timingSafeEqual } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Append, GroupCommit, GroupCommitted } from "../port.ts";

type GroupRow = { next_epoch: number; proof_hash: Uint8Array };

export type GroupTableParts = {
  /** Stores the entries; answers their seqs, 0 where the inbox was full. */
  readonly append: (entries: readonly Append[], nowMs: number) => readonly bigint[];
  readonly groupLifeMs: number;
  readonly dedupeWindowMs: number;
};

export class GroupTable {
  readonly #parts: GroupTableParts;
  readonly #selectRepeat: StatementSync;
  readonly #insertCommit: StatementSync;
  readonly #selectGroup: StatementSync;
  readonly #setGroup: StatementSync;
  readonly #deleteCommits: StatementSync;
  readonly #deleteGroups: StatementSync;

  constructor(db: DatabaseSync, parts: GroupTableParts) {
    this.#parts = parts;
    // One row by the unique index on (group_id, message_id).
    this.#selectRepeat = db.prepare("SELECT seqs FROM group_commit WHERE group_id = ? AND message_id = ?");
    this.#insertCommit = db.prepare(
      "INSERT INTO group_commit (group_id, message_id, seqs, committed_at) VALUES (?, ?, ?, ?)",
    );
    this.#selectGroup = db.prepare("SELECT next_epoch, proof_hash FROM mls_group WHERE group_id = ?");
    this.#setGroup = db.prepare(`
      INSERT INTO mls_group (group_id, next_epoch, proof_hash, used_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (group_id) DO UPDATE SET
        next_epoch = excluded.next_epoch, proof_hash = excluded.proof_hash, used_at = excluded.used_at`);
    this.#deleteCommits = db.prepare(`
      DELETE FROM group_commit WHERE id IN
        (SELECT id FROM group_commit WHERE committed_at < ? ORDER BY committed_at LIMIT ?)`);
    this.#deleteGroups = db.prepare(`
      DELETE FROM mls_group WHERE group_id IN
        (SELECT group_id FROM mls_group WHERE used_at < ? ORDER BY used_at LIMIT ?)`);
  }

  commit(commit: GroupCommit, nowMs: number): GroupCommitted {
    const { groupId, epoch, messageId, entries, nextProofHash } = commit;
    const repeat = this.#selectRepeat.get(groupId, messageId) as { seqs: Uint8Array } | undefined;
    if (repeat !== undefined) return { kind: "repeated", seqs: unpackSeqs(repeat.seqs) };
    const group = this.#selectGroup.get(groupId) as GroupRow | undefined;
    if (group !== undefined) {
      if (BigInt(group.next_epoch) !== epoch) return { kind: "epochTaken" };
      if (!timingSafeEqual(group.proof_hash, commit.proofHash)) return { kind: "badProof" };
    }
    this.#setGroup.run(groupId, Number(epoch) + 1, nextProofHash, nowMs);
    const seqs = this.#parts.append(entries, nowMs);
    this.#insertCommit.run(groupId, messageId, packSeqs(seqs), nowMs);
    return { kind: "accepted", seqs };
  }

  /** By the indexes on committed_at and used_at. */
  sweep(rowsMax: number, nowMs: number): number {
    const commits = Number(this.#deleteCommits.run(nowMs - this.#parts.dedupeWindowMs, rowsMax).changes);
    return commits + Number(this.#deleteGroups.run(nowMs - this.#parts.groupLifeMs, rowsMax - commits).changes);
  }
}

function packSeqs(seqs: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(seqs).buffer);
}

function unpackSeqs(bytes: Uint8Array): bigint[] {
  // a copy: the row's bytes need not stand at a multiple of 8
  return [...new BigUint64Array(Uint8Array.from(bytes).buffer)];
}
