/**
 * Many deadlines on one timer (Varghese and Lauck, 1987: hashed timing wheel): adding and removing cost the same whatever
 * the number, and one that waits costs an entry in a set, where a setTimeout costs ten times that. Deadlines are rounded
 * up to a tick. The timer runs only while something waits, and keeps no process alive.
 */

/** Something with a deadline. `dueTick` is the wheel's. */
export interface Timed {
  dueTick: number;
  onTime(): void;
}

const slotCount = 1_024;

export class TimerWheel {
  readonly #tickMs: number;
  readonly #slots: Set<Timed>[] = Array.from({ length: slotCount }, () => new Set());
  #count = 0;
  #tick = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #startedAtMs = 0;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** Deadlines that are waited for. */
  get size(): number {
    return this.#count;
  }

  /** `onTime` is called once, not before the time is over, unless it is removed before. */
  add(timed: Timed, delayMs: number): void {
    if (this.#timer === undefined) this.#start();
    const elapsedMs = performance.now() - this.#startedAtMs;
    timed.dueTick = Math.ceil((elapsedMs + delayMs) / this.#tickMs) + 1;
    this.#slotOf(timed).add(timed);
    this.#count++;
  }

  remove(timed: Timed): void {
    if (!this.#slotOf(timed).delete(timed)) return;
    this.#count--;
    if (this.#count === 0) this.#stop();
  }

  #slotOf({ dueTick }: Timed): Set<Timed> {
    return this.#slots[dueTick % slotCount] as Set<Timed>;
  }

  #start(): void {
    this.#startedAtMs = performance.now();
    this.#tick = 0;
    this.#timer = setInterval(() => this.#advance(), this.#tickMs);
    this.#timer.unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Also after a pause of the process: all that is due by now. */
  #advance(): void {
    const now = Math.floor((performance.now() - this.#startedAtMs) / this.#tickMs);
    const last = Math.min(now, this.#tick + slotCount);
    for (let tick = this.#tick + 1; tick <= last; tick++)
      this.#expire(this.#slots[tick % slotCount] as Set<Timed>, now);
    this.#tick = now;
  }

  #expire(slot: Set<Timed>, now: number): void {
    for (const timed of slot) {
      if (timed.dueTick > now) continue; // of a later turn of the wheel
      slot.delete(timed);
      this.#count--;
      timed.onTime();
    }
    if (this.#count === 0) this.#stop();
  }
}
