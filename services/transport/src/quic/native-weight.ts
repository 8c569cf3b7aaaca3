/**
 * The library's state of a connection, some 32 KB, is memory that the garbage collector does not know of: to it a
 * connection that is over weighs nothing, and it sees no reason to collect. 26,000 connections one after the other took
 * 750 MB that way, now 200. So each connection holds on to a buffer of that weight, which is never touched and therefore
 * costs addresses, no memory: one for many, since a small one would be.
 */
const acceptedBytes = 32 * 1024;
// 2 MiB and more: the system gives such a buffer pages of its own, of which none is used.
const bufferBytes = 2 * 1024 * 1024;

export class NativeWeight {
  #buffer = new ArrayBuffer(0);
  #left = 0;
  readonly #nativeBytes: number;

  constructor(nativeBytes = acceptedBytes) {
    this.#nativeBytes = nativeBytes;
  }

  /** To be kept as long as the connection. */
  ofOne(): object {
    if (this.#left === 0) {
      this.#buffer = new ArrayBuffer(bufferBytes);
      this.#left = bufferBytes / this.#nativeBytes;
    }
    this.#left -= 1;
    return this.#buffer;
  }
}
