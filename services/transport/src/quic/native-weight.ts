/**
 * The library's state of a connection, some 32 KB, is memory that the garbage collector does not know of: to it a
 * connection that is over weighs nothing, and it sees no reason to collect. 26,000 connections one after the other took
 * 750 MB that way, now 200. So each connection holds on to a buffer of that weight, which is never touched and therefore
 * costs addresses, no memory: one for many, since a small one would be.
 */
const nativeBytes = 32 * 1024;
// 2 MiB: the system gives such a buffer pages of its own, of which none is used.
const connectionsABuffer = 64;

export class NativeWeight {
  #buffer = new ArrayBuffer(0);
  #left = 0;

  /** To be kept as long as the connection. */
  ofOne(): object {
    if (this.#left === 0) {
      this.#buffer = new ArrayBuffer(connectionsABuffer * nativeBytes);
      this.#left = connectionsABuffer;
    }
    this.#left -= 1;
    return this.#buffer;
  }
}
