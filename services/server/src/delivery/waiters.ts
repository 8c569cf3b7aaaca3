/**
 * Parked calls. A waiter is armed before the look it stands behind, so a wake-up in the gap after the read is kept and
 * ends the next wait at once. Hints may be spurious; a look decides.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { WakeupBus } from "../store/port.ts";

export type Arming = { readonly inbox: InboxKey; readonly timeoutMs: number; readonly signal: AbortSignal };

export interface Waiter extends Disposable {
  /** Time is over, the caller has gone, or the server drains: answer what there is. */
  readonly over: boolean;
  /** Forgets hints that came before; call it directly before a look. */
  rearm(): void;
  /** Resolves at the first hint since rearm(), or when over. */
  woken(): Promise<void>;
}

export class Waiters {
  readonly #wakeups: WakeupBus;
  readonly #waitersMax: number;
  readonly #parked = new Set<ParkedCall>();
  #draining = false;

  constructor(wakeups: WakeupBus, waitersMax: number) {
    this.#wakeups = wakeups;
    this.#waitersMax = waitersMax;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** Throws E021_OVERLOADED at waitersMax. */
  arm(arming: Arming): Waiter {
    if (this.#parked.size >= this.#waitersMax) throw new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000 });
    const waiter = new ParkedCall(this.#wakeups, arming, () => this.#parked.delete(waiter));
    this.#parked.add(waiter);
    if (this.#draining) waiter.end();
    return waiter;
  }

  /** Every parked call answers at once, and later ones don't park: the server is going away. */
  drain(): void {
    this.#draining = true;
    for (const waiter of this.#parked) waiter.end();
  }
}

class ParkedCall implements Waiter {
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #unsubscribe: () => void;
  readonly #signal: AbortSignal;
  readonly #dispose: () => void;
  readonly #end = (): void => this.end();
  #over = false;
  #hinted = false;
  #wake: (() => void) | undefined;

  constructor(wakeups: WakeupBus, { inbox, timeoutMs, signal }: Arming, dispose: () => void) {
    this.#dispose = dispose;
    this.#signal = signal;
    this.#timer = setTimeout(this.#end, timeoutMs);
    this.#unsubscribe = wakeups.subscribe(inbox, () => {
      this.#hinted = true;
      this.#wake?.();
    });
    if (signal.aborted) this.#over = true;
    else signal.addEventListener("abort", this.#end, { once: true });
  }

  get over(): boolean {
    return this.#over;
  }

  rearm(): void {
    this.#hinted = false;
  }

  async woken(): Promise<void> {
    if (this.#hinted || this.#over) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }

  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#signal.removeEventListener("abort", this.#end);
    this.#dispose();
  }
}
