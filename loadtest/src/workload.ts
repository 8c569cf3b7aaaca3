/** The enqueue workload, the same for every way it is measured: 512-byte payloads over 1,000 inboxes, a fresh idempotency key each. */
import { hash } from "node:crypto";
import { type IdempotencyKey, type IdentityKey, parseIdentityKey } from "quicproquo-proto";
import { MessageKeys } from "./message-keys.ts";

export const payloadBytes = 512;
export const inboxCount = 1_000;
/** Deep enough that no inbox fills in a run: what is measured is the enqueue, not its refusal. */
export const queueDepthMax = 1_000_000;

// coprime to inboxCount: every inbox gets its turn, and neighbours in time are far apart in the index
const stride = 619;

export class Workload {
  readonly payload: Uint8Array;
  readonly #recipients: readonly IdentityKey[];
  readonly #keys = new MessageKeys();

  /** Loads of one name have their inboxes in common. */
  constructor(name = "recipient", payload: Uint8Array = new Uint8Array(payloadBytes).fill(7)) {
    this.payload = payload;
    this.#recipients = recipientsOf(name);
  }

  get sent(): number {
    return this.#keys.made;
  }

  next(): { recipientKey: IdentityKey; payload: Uint8Array; idempotencyKey: IdempotencyKey } {
    const recipientKey = this.#recipients[(this.#keys.made * stride) % inboxCount] as IdentityKey;
    return { recipientKey, payload: this.payload, idempotencyKey: this.#keys.next() };
  }
}

export function recipientsOf(name: string, count = inboxCount): readonly IdentityKey[] {
  return Array.from({ length: count }, (_, i) => recipientOf(name, i));
}

export function recipientOf(name: string, i: number): IdentityKey {
  return parseIdentityKey(hash("sha256", `${name} ${i}`, "buffer"));
}
