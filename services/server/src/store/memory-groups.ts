/** Groups and their accepted commits of the reference store. Synchronous, like memory-log.ts. */
import { timingSafeEqual } from "node:crypto";
import type { Append, Clock, GroupCommit, GroupCommitted } from "./port.ts";

type Group = { readonly nextEpoch: bigint; readonly proofHash: Uint8Array; readonly usedAtMs: number };
type Accepted = { readonly seqs: readonly bigint[]; readonly committedAtMs: number };

export type MemoryGroupsParts = {
  readonly append: (entries: readonly Append[]) => readonly bigint[];
  readonly groupLifeMs: number;
  readonly dedupeWindowMs: number;
  readonly clock: Clock;
};

export class MemoryGroups {
  readonly #parts: MemoryGroupsParts;
  readonly #groups = new Map<string, Group>();
  readonly #accepted = new Map<string, Accepted>();

  constructor(parts: MemoryGroupsParts) {
    this.#parts = parts;
  }

  commit({ groupId, epoch, proofHash, nextProofHash, messageId, entries }: GroupCommit): GroupCommitted {
    const name = Buffer.from(groupId).toString("hex");
    const id = `${name} ${Buffer.from(messageId).toString("hex")}`;
    const repeat = this.#accepted.get(id);
    if (repeat !== undefined) return { kind: "repeated", seqs: repeat.seqs };
    const group = this.#groups.get(name);
    if (group !== undefined) {
      if (group.nextEpoch !== epoch) return { kind: "epochTaken" };
      if (!timingSafeEqual(group.proofHash, proofHash)) return { kind: "badProof" };
    }
    const nowMs = this.#parts.clock();
    this.#groups.set(name, { nextEpoch: epoch + 1n, proofHash: Uint8Array.from(nextProofHash), usedAtMs: nowMs });
    const seqs = this.#parts.append(entries);
    this.#accepted.set(id, { seqs, committedAtMs: nowMs });
    return { kind: "accepted", seqs };
  }

  sweep(rowsMax: number): number {
    const nowMs = this.#parts.clock();
    const commitsEndMs = nowMs - this.#parts.dedupeWindowMs;
    const groupsEndMs = nowMs - this.#parts.groupLifeMs;
    const rows = deleteWhere(this.#accepted, rowsMax, ({ committedAtMs }) => committedAtMs < commitsEndMs);
    return rows + deleteWhere(this.#groups, rowsMax - rows, ({ usedAtMs }) => usedAtMs < groupsEndMs);
  }
}

function deleteWhere<T>(map: Map<string, T>, rowsMax: number, isOver: (value: T) => boolean): number {
  let rows = 0;
  for (const [key, value] of map) {
    if (rows >= rowsMax || !isOver(value)) continue;
    map.delete(key);
    rows++;
  }
  return rows;
}
