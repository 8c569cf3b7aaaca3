/** The enqueue workload, the same for every way it is measured: 512-byte payloads over 1,000 inboxes, a fresh idempotency key each. */
import { hash, randomBytes } from "node:crypto";
import { type IdempotencyKey, type IdentityKey, parseIdempotencyKey, parseIdentityKey } from "quicproquo-proto";

export const payloadBytes = 512;
export const inboxCount = 1_000;
/** Deep enough that no inbox fills in a run: what is measured is the enqueue, not its refusal. */
export const queueDepthMax = 1_000_000;

// coprime to inboxCount: every inbox gets its turn, and neighbours in time are far apart in the index
const stride = 619;

export class Workload {
  readonly payload: Uint8Array;
  readonly #recipients: readonly IdentityKey[];
  /** Loads of several processes have no key in common. */
  readonly #salt = randomBytes(4);
  #sent = 0;

  /** Loads of one name have their inboxes in common. */
  constructor(name = "recipient", payload: Uint8Array = new Uint8Array(payloadBytes).fill(7)) {
    this.payload = payload;
    this.#recipients = recipientsOf(name);
  }

  get sent(): number {
    return this.#sent;
  }

  next(): { recipientKey: IdentityKey; payload: Uint8Array; idempotencyKey: IdempotencyKey } {
    const n = this.#sent++;
    const key = new Uint8Array(16);
    const view = new DataView(key.buffer);
    // the upper half spreads like a random key would, which is what an index sees; the lower half makes it unique
    view.setUint32(0, Math.imul(n, 0x9e3779b1));
    view.setUint32(4, Math.imul(n, 0x85ebca77));
    key.set(this.#salt, 8);
    view.setUint32(12, n);
    return {
      recipientKey: this.#recipients[(n * stride) % inboxCount] as IdentityKey,
      payload: this.payload,
      idempotencyKey: parseIdempotencyKey(key) as IdempotencyKey,
    };
  }
}

export function recipientsOf(name: string, count = inboxCount): readonly IdentityKey[] {
  return Array.from({ length: count }, (_, i) => parseIdentityKey(hash("sha256", `${name} ${i}`, "buffer")));
}
