/**
 * Parked calls: `look` again and again until there is something, the time is over, the caller has gone or the server
 * drains. The listener stands before the first look and a hint during a look leads to another one, so an append in the
 * gap is not missed. Hints may be spurious; a look decides.
 *
 * One that waits is an object with callbacks, an entry of the hub and one of the timer wheel: a chain of awaits with a
 * timer and an AbortSignal cost five times the memory.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { WakeupBus, WakeupListener } from "../store/port.ts";
import { type Timed, TimerWheel } from "./timer-wheel.ts";

/** fetchWait's timeout is exact to this. */
const tickMs = 20;

/** What waits; A: what a look finds. */
export interface Waiting<A> {
  readonly inbox: InboxKey;
  look(): Promise<A>;
  /** It is worth being told before the time is over. */
  isEnough(found: A): boolean;
  /** The end of the wait, once: this or `failed`. */
  found(found: A): void;
  failed(error: unknown): void;
  /** Takes who is told when the caller leaves. */
  onGone(listener: { onAborted(): void }): void;
}

export type WaitersParts = {
  readonly wakeups: WakeupBus;
  readonly waitersMax: number;
  readonly wheel?: TimerWheel;
};

export class Waiters {
  readonly wakeups: WakeupBus;
  readonly wheel: TimerWheel;
  readonly #waitersMax: number;
  readonly #parked = new Set<{ end(): void }>();
  #draining = false;

  constructor({ wakeups, waitersMax, wheel = new TimerWheel(tickMs) }: WaitersParts) {
    this.wakeups = wakeups;
    this.wheel = wheel;
    this.#waitersMax = waitersMax;
  }

  get size(): number {
    return this.#parked.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /**
   * `found` gets the first look that finds enough, else the last one. When the caller leaves, a look that is under way is
   * the last one. `failed` gets what `look` rejects with, E021_OVERLOADED at waitersMax, or E042_CONNECTION_LOST for a
   * caller that left while nothing was looked for.
   */
  wait<A>(waiting: Waiting<A>, timeoutMs: number): void {
    if (this.#parked.size >= this.#waitersMax) {
      return waiting.failed(new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000 }));
    }
    new ParkedCall(this, waiting).start(timeoutMs);
  }

  /** Every parked call answers at once, and later ones don't park: the server is going away. */
  drain(): void {
    this.#draining = true;
    for (const call of this.#parked) call.end();
  }

  /** Internal: of ParkedCall. */
  add(call: { end(): void }): void {
    this.#parked.add(call);
  }

  remove(call: { end(): void }): void {
    this.#parked.delete(call);
  }
}

class ParkedCall<A> implements Timed, WakeupListener {
  dueTick = 0;
  readonly #waiters: Waiters;
  readonly #waiting: Waiting<A>;
  #isLooking = false;
  #isHinted = false;
  #isOver = false;
  #isGone = false;
  #isSettled = false;

  constructor(waiters: Waiters, waiting: Waiting<A>) {
    this.#waiters = waiters;
    this.#waiting = waiting;
  }

  start(timeoutMs: number): void {
    let listening: Promise<void> | undefined;
    try {
      listening = this.#waiters.wakeups.subscribe(this.#waiting.inbox, this);
    } catch (error) {
      return this.#waiting.failed(error);
    }
    this.#waiters.add(this);
    if (this.#waiters.draining || timeoutMs <= 0) this.#isOver = true;
    else this.#waiters.wheel.add(this, timeoutMs);
    // last: who is gone already leaves in here, and takes back what stands above
    this.#waiting.onGone(this);
    if (listening === undefined) this.#look();
    else void listening.then(() => this.onHint());
  }

  onTime(): void {
    this.end();
  }

  /** Answers what there is. */
  end(): void {
    this.#isOver = true;
    this.onHint();
  }

  /** The caller leaves. */
  onAborted(): void {
    this.#isGone = true;
    if (this.#isLooking || this.#isSettled) return;
    this.#settle();
    this.#waiting.failed(new QpqError("E042_CONNECTION_LOST", { text: "the caller has gone" }));
  }

  onHint(): void {
    if (this.#isLooking) this.#isHinted = true;
    else this.#look();
  }

  #look(): void {
    if (this.#isSettled) return;
    this.#isLooking = true;
    this.#isHinted = false;
    // over is asked before the look: what came until then is in the answer
    const isLast = this.#isOver;
    this.#waiting.look().then(
      (found) => this.#found(found, isLast),
      (error: unknown) => {
        this.#settle();
        this.#waiting.failed(error);
      },
    );
  }

  #found(found: A, isLast: boolean): void {
    this.#isLooking = false;
    if (isLast || this.#isGone || this.#waiting.isEnough(found)) {
      this.#settle();
      this.#waiting.found(found);
    } else if (this.#isHinted) {
      this.#look();
    }
  }

  #settle(): void {
    this.#isSettled = true;
    this.#waiters.wakeups.unsubscribe(this.#waiting.inbox, this);
    this.#waiters.wheel.remove(this);
    this.#waiters.remove(this);
  }
}
