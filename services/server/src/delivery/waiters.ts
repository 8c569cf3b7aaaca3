/**
 * Parked calls: `look` again and again until there is something, the time is over, the caller has gone or the server
 * drains. The listener stands before the first look and a hint during a look leads to another one, so an append in the
 * gap is not missed. Hints may be spurious; a look decides.
 *
 * One that waits is an object with callbacks, an entry of the hub and one of the timer wheel: a chain of awaits with a
 * timer and an AbortSignal cost five times the memory.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { HintSource, WakeupBus, WakeupListener } from "../store/port.ts";
import { creditOf, type FoundCounts, type LookSource, type Reader } from "./readers.ts";
import type { SafetySweep } from "./safety-sweep.ts";
import { type Timed, TimerWheel } from "./timer-wheel.ts";

/** fetchWait's timeout is exact to this. */
const tickMs = 20;

/** What waits; A: what a look finds. */
export interface Waiting<A> {
  readonly inbox: InboxKey;
  /** Behind what it looks. */
  readonly after: bigint;
  /** The epoch `after` was learnt in; 0 = unknown. */
  readonly storeEpoch: bigint;
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
  /** Undefined where hints are never lost. */
  readonly sweep?: SafetySweep | undefined;
  readonly found: FoundCounts;
};

export class Waiters {
  readonly wakeups: WakeupBus;
  readonly wheel: TimerWheel;
  readonly sweep: SafetySweep | undefined;
  readonly found: FoundCounts;
  readonly #waitersMax: number;
  readonly #parked = new Set<Parked>();
  #draining = false;

  constructor({ wakeups, waitersMax, wheel = new TimerWheel(tickMs), sweep, found }: WaitersParts) {
    this.wakeups = wakeups;
    this.wheel = wheel;
    this.sweep = sweep;
    this.found = found;
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

  /**
   * Every parked call answers at once: the server is going away. Later ones don't park; one that finds nothing ends with
   * E033_SHUTTING_DOWN, for an empty answer would be asked for again and again.
   */
  drain(): void {
    this.#draining = true;
    for (const call of this.#parked) call.end();
  }

  get readers(): Iterable<Reader> {
    return this.#parked;
  }

  /** Internal: of ParkedCall. */
  add(call: Parked): void {
    this.#parked.add(call);
  }

  remove(call: Parked): void {
    this.#parked.delete(call);
    this.sweep?.forget(call);
  }
}

interface Parked extends Reader {
  /** Answers what there is. */
  end(): void;
}

class ParkedCall<A> implements Parked, Timed, WakeupListener {
  dueTick = 0;
  readonly #waiters: Waiters;
  readonly #waiting: Waiting<A>;
  #isLooking = false;
  /** Why it looks again when the look under way is over. */
  #hinted: HintSource | undefined;
  #isOver = false;
  /** It would have parked, and nobody parks any more. */
  #isTooLate = false;
  #isGone = false;
  #isSettled = false;

  constructor(waiters: Waiters, waiting: Waiting<A>) {
    this.#waiters = waiters;
    this.#waiting = waiting;
  }

  get inbox(): InboxKey {
    return this.#waiting.inbox;
  }

  get after(): bigint {
    return this.#waiting.after;
  }

  get storeEpoch(): bigint {
    return this.#waiting.storeEpoch;
  }

  get isIdle(): boolean {
    return !this.#isLooking && !this.#isSettled;
  }

  start(timeoutMs: number): void {
    let listening: Promise<void> | undefined;
    try {
      listening = this.#waiters.wakeups.subscribe(this.#waiting.inbox, this);
    } catch (error) {
      return this.#waiting.failed(error);
    }
    this.#waiters.add(this);
    this.#isTooLate = this.#waiters.draining && timeoutMs > 0;
    if (this.#isTooLate || timeoutMs <= 0) this.#isOver = true;
    else this.#waiters.wheel.add(this, timeoutMs);
    // last: who is gone already leaves in here, and takes back what stands above
    this.#waiting.onGone(this);
    if (listening === undefined) this.#look("first");
    else void listening.then(() => this.#isLooking || this.#look("first"));
  }

  onTime(): void {
    this.end();
  }

  end(): void {
    this.#isOver = true;
    this.lookFor("timer");
  }

  /** The caller leaves. */
  onAborted(): void {
    this.#isGone = true;
    if (this.#isLooking || this.#isSettled) return;
    this.#settle();
    this.#waiting.failed(new QpqError("E042_CONNECTION_LOST", { text: "the caller has gone" }));
  }

  onHint(source: HintSource): void {
    const { sweep } = this.#waiters;
    if (source === "reconnect" && sweep !== undefined) sweep.askSoon(this, source);
    else this.lookFor(source);
  }

  lookFor(source: HintSource): void {
    if (!this.#isLooking) this.#look(source);
    else if (this.#hinted === undefined || source === "hint") this.#hinted = source;
  }

  #look(source: LookSource): void {
    if (this.#isSettled) return;
    this.#isLooking = true;
    this.#hinted = undefined;
    // over is asked before the look: what came until then is in the answer
    const isLast = this.#isOver;
    this.#waiting.look().then(
      (found) => this.#found(found, source, isLast),
      (error: unknown) => {
        this.#settle();
        this.#waiting.failed(error);
      },
    );
  }

  #found(found: A, source: LookSource, isLast: boolean): void {
    this.#isLooking = false;
    const isEnough = this.#waiting.isEnough(found);
    if (isEnough) this.#waiters.found[creditOf(source, this.#hinted)]++;
    if (isLast || this.#isGone || isEnough) {
      this.#settle();
      if (this.#isTooLate && !isEnough) this.#waiting.failed(new QpqError("E033_SHUTTING_DOWN"));
      else this.#waiting.found(found);
    } else if (this.#hinted !== undefined) {
      this.#look(this.#hinted);
    }
  }

  #settle(): void {
    this.#isSettled = true;
    this.#waiters.wakeups.unsubscribe(this.#waiting.inbox, this);
    this.#waiters.wheel.remove(this);
    this.#waiters.remove(this);
  }
}
