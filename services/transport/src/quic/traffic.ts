/** What a connection has sent and received, and since when it is quiet. */
export class Traffic {
  // Counted here: the library counts packets, of which a datagram may hold several.
  datagramsIn = 0;
  datagramsOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** When the peer was last heard, or asked for a sign of life; of performance.now(). */
  quietSinceMs = performance.now();

  received(bytes: number): void {
    this.datagramsIn += 1;
    this.bytesIn += bytes;
    this.quietSinceMs = performance.now();
  }

  sent(bytes: number): void {
    this.datagramsOut += 1;
    this.bytesOut += bytes;
  }
}
