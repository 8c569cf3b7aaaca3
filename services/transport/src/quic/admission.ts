/**
 * Whether a process that has more to do than it can do begins one more handshake.
 *
 * After a restart all clients come at once. If each is let in, all handshakes go on at the pace of the slowest, none ends
 * within its deadline, everyone begins anew, and a server that works without a pause lets nobody in: of 10,000 clients on 2
 * cores with other work 17 a minute were done, and 3,400 not. So a busy process has no more under way than it ended in the
 * last second (Little's law: then each takes about one second of its five) and begins but a few more. Who comes first gets a
 * Retry, which keeps nothing here and makes its client wait; who comes with its token is dropped until there is room, which
 * costs some 10 us, and comes again by its own timers, after 1, 3 and 7 s. A dial that is begun anew is what costs: of 6,000
 * clients each dialled 6 times when those of the first were dropped without an answer (docs/performance.md).
 *
 * Those few keep a stranger, who begins handshakes and never ends one, from keeping all others out. A process that has time
 * lets everybody in.
 */
import { type EventLoopUtilization, performance } from "node:perf_hooks";

/** Under way, though nothing was ended yet: 32 full handshakes are some 30 ms of CPU. */
const underWayMin = 32;
/** Begun in a second, whatever is under way: these, and a quarter of what was ended. */
const begunMin = 8;
const begunShare = 0.25;
/** Of the event loop's time in the last 100 ms: above it there is a queue. */
const busyShare = 0.95;
const lookMs = 100;
const windowMs = 1_000;

export class Admission {
  readonly #busyShareSince: () => number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isBusy = false;
  #second = 0;
  /** In this second, and in the one before. */
  #begun = 0;
  #ended = 0;
  #endedBefore = 0;

  /** busyShareSince: of the event loop's time since the last question. */
  constructor(busyShareSince: () => number = loopShare()) {
    this.#busyShareSince = busyShareSince;
  }

  /** A handshake was ended well. */
  ended(nowMs: number): void {
    this.#turn(nowMs);
    this.#ended += 1;
  }

  /** True: it is begun now. */
  admits(underWay: number, nowMs: number): boolean {
    this.#turn(nowMs);
    const ended = this.#endedInWindow(nowMs);
    const isLetIn =
      !this.#busy(nowMs) || underWay < Math.max(underWayMin, ended) || this.#begun < begunMin + begunShare * ended;
    if (isLetIn) this.#begun += 1;
    return isLetIn;
  }

  #busy(nowMs: number): boolean {
    if (nowMs - this.#lookedAtMs >= lookMs) {
      this.#lookedAtMs = nowMs;
      this.#isBusy = this.#busyShareSince() >= busyShare;
    }
    return this.#isBusy;
  }

  /** As if those of the second before had come evenly. */
  #endedInWindow(nowMs: number): number {
    return this.#ended + this.#endedBefore * (1 - (nowMs % windowMs) / windowMs);
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / windowMs);
    if (second === this.#second) return;
    this.#endedBefore = second === this.#second + 1 ? this.#ended : 0;
    this.#second = second;
    [this.#begun, this.#ended] = [0, 0];
  }
}

function loopShare(): () => number {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
