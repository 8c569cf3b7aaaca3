/**
 * The rates of one process. A key has a bucket (leaky bucket as a meter, ITU-T I.371 and its virtual scheduling: GCRA):
 * of each all that is kept is when it will be full again. A full one says what none says, and is forgotten.
 */
import type { RateCounter, RateLimit } from "./port.ts";

/** About 15 MB. */
const bucketsMaxDefault = 100_000;

/** Of additions of fractions of a millisecond. */
const roundingMs = 0.001;

export class LocalRates implements RateCounter {
  readonly #now: () => number;
  readonly #bucketsMax: number;
  /** Two generations, so that forgetting costs no walk for each: who is asked for moves on to the young one. */
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  /**
   * `now`: ms of a clock that is not set. Of more than bucketsMax in use those go first that were not asked for longest,
   * full or not.
   */
  constructor(now: () => number = () => performance.now(), bucketsMax: number = bucketsMaxDefault) {
    this.#now = now;
    this.#bucketsMax = bucketsMax;
  }

  /** Buckets that are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  admit(key: string, { perSecond, burst }: RateLimit, cost: number): number {
    const nowMs = this.#now();
    const msEach = 1_000 / perSecond;
    const missingMs = Math.max(0, this.#take(key) - nowMs);
    const waitMs = missingMs - Math.max(0, burst - cost) * msEach;
    const isAdmitted = waitMs <= roundingMs;
    this.#keep(key, nowMs + missingMs + (isAdmitted ? cost * msEach : 0), nowMs);
    return isAdmitted ? 0 : Math.ceil(waitMs);
  }

  /** Until the key's bucket is full again. */
  missingMs(key: string): number {
    return Math.max(0, (this.#young.get(key) ?? this.#old.get(key) ?? 0) - this.#now());
  }

  /** At least so much is missing in the key's bucket: others have taken from it too. */
  owe(key: string, missingMs: number): void {
    const nowMs = this.#now();
    this.#keep(key, Math.max(this.#take(key), nowMs + missingMs), nowMs);
  }

  #take(key: string): number {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return 0;
    this.#old.delete(key);
    return old;
  }

  #keep(key: string, fullAtMs: number, nowMs: number): void {
    this.#young.set(key, fullAtMs);
    if (this.#young.size < this.#bucketsMax / 2) return;
    const young = new Map<string, number>();
    for (const [key, fullAtMs] of this.#old) {
      if (young.size >= this.#bucketsMax / 4) break;
      if (fullAtMs > nowMs) young.set(key, fullAtMs);
    }
    this.#old = this.#young;
    this.#young = young;
  }
}
