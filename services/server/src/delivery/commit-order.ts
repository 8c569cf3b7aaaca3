/**
 * Puts the commits of an MLS group in one order without reading them (docs/wire.md, submitCommit): of several commits of
 * one epoch one is accepted, and only who knows the epoch's secrets can move the group. Commit and Welcomes are stored
 * together or not at all.
 */
import { hash } from "node:crypto";
import { type IdempotencyKey, type IdentityKey, type LimitName, QpqError, sizes } from "quicproquo-proto";
import type { BlockLists } from "../access/block-lists.ts";
import { type Append, type MessageLog, refusedSender, type WakeupBus } from "../store/port.ts";
import { type Letter, type Letters, messageIdOf } from "./letters.ts";
import type { Sender } from "./sender.ts";
import type { SendingRates } from "./sending-rates.ts";

export type CommitOrderParts = {
  readonly log: MessageLog;
  readonly wakeups: WakeupBus;
  readonly letters: Letters;
  readonly rates: SendingRates;
  readonly blocks: BlockLists;
  readonly limits: Readonly<Record<LimitName, number>>;
};

export type Commit = {
  readonly sender: Sender;
  readonly groupId: Uint8Array;
  /** The epoch that the commit leaves. */
  readonly epoch: bigint;
  readonly idempotencyKey: IdempotencyKey;
  /** Exporter secret of the epoch it leaves; may be empty in a group's first commit, where nothing can be checked. */
  readonly epochProof: Uint8Array;
  /** SHA-256 of the exporter secret of the epoch it enters. */
  readonly nextProofHash: Uint8Array;
  /** An empty payload stands for the shared one. */
  readonly entries: readonly { readonly recipientKey: IdentityKey; readonly letter: Letter }[];
  readonly payload: Uint8Array;
};

export class CommitOrder {
  readonly #parts: CommitOrderParts;

  constructor(parts: CommitOrderParts) {
    this.#parts = parts;
  }

  /**
   * Seqs in the order of the entries, durable; 0 where the inbox is full or its owner blocks the sender (its reader is
   * told gap{overflow}).
   * E031_EPOCH_TAKEN, E032_EPOCH_PROOF: nothing was delivered. E001, E008, E010, E016, E017, E018, E061.
   */
  async submit(commit: Commit): Promise<readonly bigint[]> {
    const { log, letters, rates, blocks, wakeups } = this.#parts;
    this.#check(commit);
    const entries = commit.entries.map(({ recipientKey, letter }): Append => {
      const payload = letter.payload.length === 0 ? commit.payload : letter.payload;
      return letters.entryFor(recipientKey, { ...letter, payload });
    });
    letters.requireDistinct(entries);
    rates.require(commit.sender, entries);
    const asked = blocks.find(commit.sender, entries);
    const blocked = asked instanceof Promise ? await asked : asked;
    const committed = await log.commitGroup({
      groupId: commit.groupId,
      epoch: commit.epoch,
      proofHash: hash("sha256", commit.epochProof, "buffer"),
      nextProofHash: commit.nextProofHash,
      messageId: messageIdOf(commit.sender.key, commit.idempotencyKey),
      entries: entries.map((entry, i) => (blocked?.[i] ? { ...entry, sender: refusedSender } : entry)),
    });
    if (!("seqs" in committed)) {
      throw new QpqError(committed.kind === "badProof" ? "E032_EPOCH_PROOF" : "E031_EPOCH_TAKEN");
    }
    // when repeated too: the process that stored it may have ended before it could tell
    for (const { inbox } of entries) wakeups.publish(inbox);
    return committed.seqs;
  }

  #check({ groupId, epoch, epochProof, nextProofHash }: Commit): void {
    const max = this.#parts.limits.groupIdBytesMax;
    if (groupId.length === 0 || groupId.length > max) {
      throw new QpqError("E061_GROUP_ID", { fields: { bytes: groupId.length, max } });
    }
    // an epoch a second for 285 million years; the store counts in doubles
    if (epoch >= BigInt(Number.MAX_SAFE_INTEGER)) throw badRequest("the epoch is too large");
    if (epochProof.length !== 0 && epochProof.length !== sizes.epochProof)
      throw badRequest("an epoch proof has 32 bytes");
    if (nextProofHash.length !== sizes.epochProof) throw badRequest("a proof hash has 32 bytes");
  }
}

function badRequest(text: string): QpqError {
  return new QpqError("E001_BAD_REQUEST", { text });
}
