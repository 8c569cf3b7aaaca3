/**
 * What a connection has to do in this turn of the event loop, and when it must send.
 *
 * It is serviced once for all that has come and was asked of it, and, when datagrams have come, once more at the turn's
 * end: what they say may be answered when promises have run, and then the acknowledgement goes with the answer.
 *
 * When there is no answer yet, the acknowledgement of a datagram waits for it (RFC 9000 section 13.2.1) until the time is
 * over. The answer to an enqueue comes when it is durable, some ms later: sent at once, the acknowledgement was a datagram
 * more for each call. A few small ones, as calls that come one after the other, wait together, but shorter. Of full ones
 * every second is acknowledged at once (section 13.2.2): by these acknowledgements a sender of bulk grows its window.
 */
import type { Serviced } from "./endpoint.ts";
import type { Links } from "./links.ts";

/** What peers are told (max_ack_delay): their probes for a lost answer wait so much longer. */
export const ackDelayMsMax = 50;
// Timers may be some ms late.
const delayMs = 40;
/** From the second datagram on. */
const soonMs = 10;
const smallDatagramsMax = 8;
/** The least that a path carries (RFC 9000 section 14), as bulk has it at least. */
const fullBytesMin = 1_200;

export class Turn {
  readonly #links: Links;
  readonly #connection: Serviced;
  /** It will be serviced. */
  #isMarked = false;
  #isHeard = false;
  /** There may be something to send beside an acknowledgement. */
  #isUrgent = false;
  /** Datagrams since the last flush. */
  #datagrams = 0;
  #isBulk = false;
  #ackDueAtMs = Number.POSITIVE_INFINITY;

  constructor(links: Links, connection: Serviced) {
    this.#links = links;
    this.#connection = connection;
  }

  /** Of performance.now(): when the acknowledgement must not wait any more. */
  get dueAtMs(): number {
    return this.#ackDueAtMs;
  }

  /** A datagram of so many bytes has come. */
  hear(bytes: number): void {
    this.#isHeard = true;
    this.#datagrams += 1;
    if (bytes >= fullBytesMin) this.#isBulk = true;
    this.#mark();
  }

  /** There is something to do, and perhaps to send. */
  mark(): void {
    this.urge();
    this.#mark();
  }

  /** There is something to send, in this service or the next. */
  urge(): void {
    this.#isUrgent = true;
  }

  /** It is serviced now. */
  begin(): void {
    this.#isMarked = false;
  }

  /** Have datagrams come since this was last asked? */
  takeHeard(): boolean {
    const heard = this.#isHeard;
    this.#isHeard = false;
    return heard;
  }

  /** Once more, at the end of this turn. */
  comeAgain(): void {
    this.#isMarked = true;
    this.#links.markLate(this.#connection);
  }

  /** Nothing but an acknowledgement is due, and not now. */
  mayWait(): boolean {
    const datagramsMax = this.#isBulk ? 1 : smallDatagramsMax;
    if (this.#isUrgent || this.#datagrams === 0 || this.#datagrams > datagramsMax) return false;
    const nowMs = performance.now();
    if (this.#ackDueAtMs === Number.POSITIVE_INFINITY) this.#ackDueAtMs = nowMs + delayMs;
    else if (this.#datagrams > 1) this.#ackDueAtMs = Math.min(this.#ackDueAtMs, nowMs + soonMs);
    return nowMs < this.#ackDueAtMs;
  }

  /** All there was has been sent. */
  flushed(): void {
    this.#isUrgent = false;
    this.#datagrams = 0;
    this.#isBulk = false;
    this.#ackDueAtMs = Number.POSITIVE_INFINITY;
  }

  #mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#links.mark(this.#connection);
  }
}
