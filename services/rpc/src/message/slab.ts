/**
 * Zeroed bytes for messages that begin small: cut from shared buffers, never handed out twice.
 *
 * A typed array of its own costs 610 ns for 512 bytes and 2.1 us for 5 KiB, a cut 110 ns and 0.9 us (Node 26; larger
 * buffers gain little). The price: who keeps a small frame keeps 16 KiB, and the buffer of a frame must not be
 * transferred to another thread.
 */

class Slab {
  readonly #slabBytes: number;
  #buffer: ArrayBuffer;
  #cutAt = 0;

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes;
    this.#buffer = new ArrayBuffer(slabBytes);
  }

  cut(bytes: number): Uint8Array {
    if (this.#cutAt + bytes > this.#slabBytes) {
      this.#buffer = new ArrayBuffer(this.#slabBytes);
      this.#cutAt = 0;
    }
    const cut = new Uint8Array(this.#buffer, this.#cutAt, bytes);
    this.#cutAt += bytes;
    return cut;
  }
}

const smallCutMax = 1024;
const smallCuts = new Slab(16 << 10);
// Beyond it a message is worth a buffer of its own, and would leave much of a slab unused.
const largeCutMax = 8 << 10;
const largeCuts = new Slab(64 << 10);

/** `bytes` is a multiple of 8. */
export function zeroedBytes(bytes: number): Uint8Array {
  if (bytes <= smallCutMax) return smallCuts.cut(bytes);
  return bytes <= largeCutMax ? largeCuts.cut(bytes) : new Uint8Array(bytes);
}

/** For bytes that stay: small ones share 16 KiB, larger ones have a buffer of their own. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length > smallCutMax) return new Uint8Array(bytes);
  const copy = smallCuts.cut(bytes.length);
  copy.set(bytes);
  return copy;
}
