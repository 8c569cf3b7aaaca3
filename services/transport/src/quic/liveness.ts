/**
 * Is the peer still there? What a client does about it: it pings soon after a burst, since a path that died in it shows in
 * nothing else when the rest is the server's to say, and then after each while of quiet. When it has asked several times
 * and hears nothing, its path may be dead though the server is not (a NAT that forgot it, another network), so it moves.
 */
import type { QuicLimits } from "./quic-limits.ts";
import type { Traffic } from "./traffic.ts";

/** A ping a burst: of 10,000 clients that are all told something every minute, 170 a second. */
const burstMs = 1_000;
/** Nothing more than once in so long: a network that comes and goes would use up the server's ids. */
const movesMsMin = 1_000;

export type LivenessOptions = {
  readonly limits: Pick<QuicLimits, "keepAliveMs" | "pathSilenceMs">;
  readonly traffic: Traffic;
  readonly ping: () => void;
  readonly move: () => void;
};

export class Liveness {
  readonly #options: LivenessOptions;
  #pingedAtMs = 0;
  #movedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /** Of performance.now(): when `look` is due. */
  get dueAtMs(): number {
    return Math.min(this.#pingAtMs, this.#moveAtMs);
  }

  look(): void {
    const nowMs = performance.now();
    if (nowMs >= this.#moveAtMs) this.moveNow();
    if (nowMs < this.#pingAtMs) return;
    this.#pingedAtMs = nowMs;
    this.#options.ping();
  }

  /** The path is known to be dead, e.g. its network is gone. */
  moveNow(): void {
    const nowMs = performance.now();
    if (nowMs < this.#movedAtMs + movesMsMin) return;
    this.#movedAtMs = nowMs;
    this.#options.move();
  }

  get #pingAtMs(): number {
    const { limits, traffic } = this.#options;
    if (limits.keepAliveMs === 0) return Number.POSITIVE_INFINITY;
    // What counts for the server's idle time is when it was told something, not what it told.
    const quietSinceMs = Math.max(Math.min(traffic.heardAtMs, traffic.saidAtMs), this.#pingedAtMs);
    const afterBurstMs =
      traffic.talkedAtMs > this.#pingedAtMs ? traffic.talkedAtMs + burstMs : Number.POSITIVE_INFINITY;
    return Math.min(quietSinceMs + limits.keepAliveMs, afterBurstMs);
  }

  get #moveAtMs(): number {
    const { limits, traffic } = this.#options;
    if (limits.pathSilenceMs === 0) return Number.POSITIVE_INFINITY;
    const { pathSilenceMs } = limits;
    return Math.max(traffic.silentSinceMs + pathSilenceMs, this.#movedAtMs + Math.max(pathSilenceMs, movesMsMin));
  }
}
