/**
 * The timers of all connections of a process. Each datagram moves a connection's deadline, so a later deadline is only
 * noted, and who is woken early waits on. Deadlines are rounded up to a tick and wait in a wheel (Varghese and Lauck,
 * 1987) behind one Node timer, which is set for the next that is due: to be woken and wait on costs a tenth of what a
 * Node timer of one's own does, and a busy connection does it forty times a second.
 */
const tickMs = 2;
const slotCount = 2_048;

export class LazyTimer {
  readonly #fire: () => void;
  #dueAtMs = Number.POSITIVE_INFINITY;
  /** Where it waits in the wheel; 0 = nowhere. */
  wakeTick = 0;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  /** Replaces the deadline; Infinity = none. It fires at most two ticks late. */
  arm(delayMs: number, nowMs = performance.now()): void {
    this.#dueAtMs = nowMs + delayMs;
    if (delayMs === Number.POSITIVE_INFINITY) return;
    const tick = Math.ceil(this.#dueAtMs / tickMs);
    if (this.wakeTick === 0 || tick < this.wakeTick) wheel.put(this, tick);
  }

  cancel(): void {
    wheel.remove(this);
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }

  /** Internal: of the wheel. */
  wake(nowMs: number): void {
    if (this.#dueAtMs === Number.POSITIVE_INFINITY) return;
    if (this.#dueAtMs > nowMs) wheel.put(this, Math.ceil(this.#dueAtMs / tickMs));
    else this.#fire();
  }
}

class Wheel {
  readonly #slots: Set<LazyTimer>[] = Array.from({ length: slotCount }, () => new Set());
  #count = 0;
  #isAdvancing = false;
  #timer: NodeJS.Timeout | undefined;
  /** What the Node timer is set for. */
  #timerTick = 0;
  /** All before it have been woken. */
  #tick = 0;

  put(timer: LazyTimer, tick: number): void {
    this.remove(timer);
    timer.wakeTick = Math.max(tick, this.#tick + 1);
    this.#slotOf(timer.wakeTick).add(timer);
    this.#count += 1;
    if (!this.#isAdvancing && (this.#timer === undefined || timer.wakeTick < this.#timerTick))
      this.#set(timer.wakeTick);
  }

  remove(timer: LazyTimer): void {
    if (timer.wakeTick === 0) return;
    this.#slotOf(timer.wakeTick).delete(timer);
    timer.wakeTick = 0;
    this.#count -= 1;
    if (this.#count > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #slotOf(tick: number): Set<LazyTimer> {
    return this.#slots[tick % slotCount] as Set<LazyTimer>;
  }

  #set(tick: number): void {
    clearTimeout(this.#timer);
    this.#timerTick = tick;
    this.#timer = setTimeout(() => this.#advance(), Math.max(1, Math.ceil(tick * tickMs - performance.now())));
  }

  /** All that is due by now, also after a pause of the process. Who is woken does not throw. */
  #advance(): void {
    this.#isAdvancing = true;
    const nowMs = performance.now();
    const nowTick = Math.floor(nowMs / tickMs);
    const from = Math.max(this.#tick + 1, nowTick - slotCount + 1);
    this.#tick = nowTick;
    for (let tick = from; tick <= nowTick; tick++) this.#wakeAll(this.#slotOf(tick), nowMs);
    this.#isAdvancing = false;
    if (this.#count > 0) this.#set(this.#nextTick());
    else this.#timer = undefined;
  }

  #wakeAll(slot: Set<LazyTimer>, nowMs: number): void {
    if (slot.size === 0) return;
    for (const timer of slot) {
      if (timer.wakeTick > this.#tick) continue; // of a later turn
      this.remove(timer);
      timer.wake(nowMs);
    }
  }

  /** Of the slots; what waits there may be of a later turn. */
  #nextTick(): number {
    for (let tick = this.#tick + 1; tick < this.#tick + slotCount; tick++) if (this.#slotOf(tick).size > 0) return tick;
    return this.#tick + slotCount;
  }
}

const wheel = new Wheel();

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
