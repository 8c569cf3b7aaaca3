/** The enqueue workload, the same for every way it is measured: 512-byte payloads over 1,000 inboxes, a fresh idempotency key each. */
import { createHash } from "node:crypto";
import { type IdempotencyKey, type IdentityKey, parseIdempotencyKey, parseIdentityKey } from "quicproquo-proto";

export const payloadBytes = 512;
export const inboxCount = 1_000;
/** Deep enough that no inbox fills in a run: what is measured is the enqueue, not its refusal. */
export const queueDepthMax = 1_000_000;

// coprime to inboxCount: every inbox gets its turn, and neighbours in time are far apart in the index
const stride = 619;

export class Workload {
  readonly payload = new Uint8Array(payloadBytes).fill(7);
  readonly #recipients: readonly IdentityKey[];
  #sent = 0;

  constructor() {
    this.#recipients = Array.from({ length: inboxCount }, (_, i) => parseIdentityKey(sha256(`recipient ${i}`)));
  }

  next(): { recipientKey: IdentityKey; payload: Uint8Array; idempotencyKey: IdempotencyKey } {
    const n = this.#sent++;
    const key = new Uint8Array(16);
    const view = new DataView(key.buffer);
    // the upper half spreads like a random key would, which is what an index sees; the lower half makes it unique
    view.setUint32(0, Math.imul(n, 0x9e3779b1));
    view.setUint32(4, Math.imul(n, 0x85ebca77));
    view.setUint32(12, n);
    return {
      recipientKey: this.#recipients[(n * stride) % inboxCount] as IdentityKey,
      payload: this.payload,
      idempotencyKey: parseIdempotencyKey(key) as IdempotencyKey,
    };
  }
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
