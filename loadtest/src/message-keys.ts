/** Idempotency keys of a load, each new: drawing 16 random bytes a message would cost more than sending it. */
import { randomBytes } from "node:crypto";
import { type IdempotencyKey, parseIdempotencyKey } from "quicproquo-proto";

export class MessageKeys {
  /** Loads of several processes have no key in common. */
  readonly #salt = randomBytes(4).readInt32BE();
  #made = 0;

  get made(): number {
    return this.#made;
  }

  next(): IdempotencyKey {
    const n = this.#made++;
    const key = new Uint8Array(16);
    // the upper half spreads like a random key would, which is what an index sees; the lower half makes it unique
    write(key, 0, Math.imul(n, 0x9e3779b1));
    write(key, 4, Math.imul(n, 0x85ebca77));
    write(key, 8, this.#salt);
    write(key, 12, n);
    return parseIdempotencyKey(key) as IdempotencyKey;
  }
}

/** Big-endian, byte by byte: a DataView of a small array costs more than the array. */
function write(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
