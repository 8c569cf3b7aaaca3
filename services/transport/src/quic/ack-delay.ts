/**
 * When a datagram has come and this side has nothing to say to it, its acknowledgement waits for what there will be to say
 * (RFC 9000 section 13.2.1), at most until a second datagram has come or the time is over, as in TCP. The answer to an
 * enqueue comes when it is durable, some ms later: sent at once, the acknowledgement was a datagram more for each call.
 */

/** What peers are told (max_ack_delay): their probes for a lost answer wait so much longer. */
export const ackDelayMsMax = 50;
// Timers may be some ms late.
const delayMs = 40;

export class AckDelay {
  /** Since the last flush. */
  #datagrams = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;

  /** Of performance.now(): when it must not wait any more. */
  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  received(): void {
    this.#datagrams += 1;
  }

  /** Nothing need be sent now. */
  mayWait(): boolean {
    if (this.#datagrams !== 1) return false;
    const nowMs = performance.now();
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) this.#dueAtMs = nowMs + delayMs;
    return nowMs < this.#dueAtMs;
  }

  /** All there was has been sent. */
  flushed(): void {
    this.#datagrams = 0;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }
}
