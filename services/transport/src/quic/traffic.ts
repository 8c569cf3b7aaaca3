/** What a connection has sent and received, and since when it hears nothing. */
export class Traffic {
  // Counted here: the library counts packets, of which a datagram may hold several.
  datagramsIn = 0;
  datagramsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** When the peer was last heard; of performance.now(). */
  heardAtMs = performance.now();
  /** Flushes with something to send, since then. */
  #flushes = 0;
  #secondFlushAtMs = 0;
  #flushedTo = 0;

  received(bytes: number): void {
    this.datagramsIn += 1;
    this.bytesIn += bytes;
    this.heardAtMs = performance.now();
    this.#flushes = 0;
  }

  sent(bytes: number): void {
    this.datagramsOut += 1;
    this.bytesOut += bytes;
  }

  /** At the end of a flush. */
  flushed(): void {
    if (this.datagramsOut === this.#flushedTo) return;
    this.#flushedTo = this.datagramsOut;
    this.#flushes += 1;
    if (this.#flushes === 2) this.#secondFlushAtMs = performance.now();
  }

  /**
   * Since when something has been asked that is not answered; Infinity while there is no reason to expect an answer. The
   * first flush may be a mere acknowledgement, the second asks for one, the third shows that none came in time.
   */
  get silentSinceMs(): number {
    return this.#flushes < 3 ? Number.POSITIVE_INFINITY : this.#secondFlushAtMs;
  }
}
