/**
 * Which message key made which ciphertext. A reader of every ciphertext that stands on the server, with the secrets that
 * members hold: it opens the sender data of each and reports a (epoch, ratchet, leaf, generation) that made two.
 */
import { createHash } from "node:crypto";
import { decodeState } from "../../../core/src/mls/group-state.ts";
import { decodeMessage } from "../../../core/src/mls/message.ts";
import { suite } from "../../../core/src/mls/suite.ts";
import { decryptSenderData, type PrivateMessage } from "../../../core/src/mls/ts-mls.ts";

export class KeyUses {
  /** Sender data secrets by epoch. */
  readonly #secrets = new Map<bigint, Uint8Array>();
  readonly #ciphertexts = new Map<string, PrivateMessage>();

  /** A member's state as its records hold it: it knows the secrets of its epoch and of a few before. */
  learn(snapshot: Uint8Array): void {
    const state = decodeState(snapshot, new Map());
    for (const [epoch, past] of state.historicalReceiverData) this.#secrets.set(epoch, past.senderDataSecret);
    this.#secrets.set(state.groupContext.epoch, state.keySchedule.senderDataSecret);
  }

  knows(epoch: bigint): boolean {
    return this.#secrets.has(epoch);
  }

  /** A payload of an inbox; the same one again counts once. Welcomes have no message key. */
  see(payload: Uint8Array): void {
    const message = decodeMessage(payload);
    if (message?.wireformat !== "mls_private_message") return;
    this.#ciphertexts.set(createHash("sha256").update(payload).digest("hex"), message.privateMessage);
  }

  /** How many ciphertexts were looked at, and the keys that made more than one. */
  async check(): Promise<{ readonly ciphertexts: number; readonly usedTwice: readonly string[] }> {
    const seen = new Set<string>();
    const usedTwice: string[] = [];
    for (const message of this.#ciphertexts.values()) {
      const secret = this.#secrets.get(message.epoch);
      if (secret === undefined) throw new Error(`no member told the secrets of epoch ${message.epoch}`);
      const sender = await decryptSenderData(message, secret, suite);
      if (sender === undefined) throw new Error("sender data does not open");
      // commits and proposals share the handshake ratchet
      const ratchet = message.contentType === "application" ? "application" : "handshake";
      const use = `epoch ${message.epoch} leaf ${sender.leafIndex} ${ratchet} generation ${sender.generation}`;
      if (seen.has(use)) usedTwice.push(use);
      seen.add(use);
    }
    return { ciphertexts: this.#ciphertexts.size, usedTwice };
  }
}
