/**
 * A timer that is moved often and fires seldom. Each datagram moves a connection's deadline; starting a new Node timer
 * for each would cost more than the datagram. So a later deadline is only noted, and the running timer, when it fires
 * early, runs again for what is left.
 */
export class LazyTimer {
  readonly #fire: () => void;
  readonly #wake = (): void => this.#onWake();
  #timer: NodeJS.Timeout | undefined;
  /** When the running Node timer fires. */
  #wakeAtMs = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** Replaces the deadline; Infinity = none. */
  arm(delayMs: number): void {
    const now = performance.now();
    this.#dueAtMs = now + delayMs;
    if (delayMs === Number.POSITIVE_INFINITY) return;
    if (this.#timer === undefined || this.#wakeAtMs > this.#dueAtMs + 0.5) this.#start(now);
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }

  #start(now: number): void {
    clearTimeout(this.#timer);
    this.#wakeAtMs = this.#dueAtMs;
    this.#timer = setTimeout(this.#wake, Math.max(1, Math.ceil(this.#dueAtMs - now)));
  }

  #onWake(): void {
    this.#timer = undefined;
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (this.#dueAtMs > now + 0.5) this.#start(now);
    else this.#fire();
  }
}

/** At most so many events in a second; the rest are refused. For answers that a stranger's datagram provokes. */
export class PerSecond {
  readonly #max: number;
  #second = 0;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  take(nowMs: number): boolean {
    if (this.isSpent(nowMs)) return false;
    this.#count += 1;
    return true;
  }

  isSpent(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#count = 0;
    }
    return this.#count >= this.#max;
  }
}
