/** What a connection has sent and received, and since when it hears nothing. Times are of performance.now(). */

/** A datagram with less is an acknowledgement, or a sign of life. */
const wordBytesMin = 64;

export class Traffic {
  // Counted here: the library counts packets, of which a datagram may hold several.
  datagramsIn = 0;
  datagramsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** When the peer was last heard. */
  heardAtMs = performance.now();
  /** When the peer was last told something, as far as its size shows. */
  saidAtMs = this.heardAtMs;
  /** When something was last said on either side. */
  talkedAtMs = this.heardAtMs;
  /** Since the last flush. */
  #saidWord = false;
  /** Flushes with something to send, since the peer was heard. */
  #flushes = 0;
  #secondFlushAtMs = 0;
  #flushedTo = 0;

  received(bytes: number): void {
    this.datagramsIn += 1;
    this.bytesIn += bytes;
    this.heardAtMs = performance.now();
    if (bytes >= wordBytesMin) this.talkedAtMs = this.heardAtMs;
    this.#flushes = 0;
  }

  sent(bytes: number): void {
    this.datagramsOut += 1;
    this.bytesOut += bytes;
    if (bytes >= wordBytesMin) this.#saidWord = true;
  }

  /** At the end of a flush. */
  flushed(): void {
    if (this.datagramsOut === this.#flushedTo) return;
    this.#flushedTo = this.datagramsOut;
    this.#flushes += 1;
    if (this.#flushes !== 2 && !this.#saidWord) return;
    const nowMs = performance.now();
    if (this.#flushes === 2) this.#secondFlushAtMs = nowMs;
    if (this.#saidWord) this.talkedAtMs = this.saidAtMs = nowMs;
    this.#saidWord = false;
  }

  /**
   * Since when something has been asked that is not answered; Infinity while there is no reason to expect an answer. The
   * first flush may be a mere acknowledgement, the second asks for one, the third shows that none came in time.
   */
  get silentSinceMs(): number {
    return this.#flushes < 3 ? Number.POSITIVE_INFINITY : this.#secondFlushAtMs;
  }
}
