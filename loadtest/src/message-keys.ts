/** Idempotency keys of a load, each new: drawing 16 random bytes a message would cost more than sending it. */
import { randomBytes } from "node:crypto";
import { type IdempotencyKey, parseIdempotencyKey } from "quicproquo-proto";

export class MessageKeys {
  /** Loads of several processes have no key in common. */
  readonly #salt = randomBytes(4);
  #made = 0;

  get made(): number {
    return this.#made;
  }

  next(): IdempotencyKey {
    const n = this.#made++;
    const key = new Uint8Array(16);
    const view = new DataView(key.buffer);
    // the upper half spreads like a random key would, which is what an index sees; the lower half makes it unique
    view.setUint32(0, Math.imul(n, 0x9e3779b1));
    view.setUint32(4, Math.imul(n, 0x85ebca77));
    key.set(this.#salt, 8);
    view.setUint32(12, n);
    return parseIdempotencyKey(key) as IdempotencyKey;
  }
}
