/**
 * How long acknowledged messages were on their way to a reader who waits. While nothing is broken, hints bring them at
 * once: one that comes only with the safety sweep was missed.
 */
import type { Entry } from "../ledger.ts";

/** Far above a busy machine's delays, below the time until most sweeps. */
export const lateMs = 8_000;
/** How long after the end of a fault clients, front-ends and buses may take to find each other again. */
export const recoveryMs = 12_000;

type Delivery = { readonly entry: Entry; readonly fromMs: number; readonly toMs: number };

export class Lateness {
  readonly #late: Delivery[] = [];
  readonly #faults: { readonly fromMs: number; toMs: number }[] = [];
  #worstMs = 0;
  #calmWorstMs = 0;

  /** This process, which is all clients, did nothing for a while: the machine was busy with others. */
  stall(fromMs: number, toMs: number): void {
    this.#faults.push({ fromMs, toMs });
  }

  /** Until the returned function is called. */
  beginFault(nowMs: number): (nowMs: number) => void {
    const fault = { fromMs: nowMs, toMs: Number.POSITIVE_INFINITY };
    this.#faults.push(fault);
    return (endMs) => {
      fault.toMs = endMs;
    };
  }

  /** Acknowledged at `fromMs`, received at `toMs`. */
  deliver(entry: Entry, fromMs: number, toMs: number): void {
    const tookMs = toMs - fromMs;
    this.#worstMs = Math.max(this.#worstMs, tookMs);
    if (tookMs > this.#calmWorstMs && this.#isCalm(fromMs, toMs)) this.#calmWorstMs = tookMs;
    if (tookMs > lateMs) this.#late.push({ entry, fromMs, toMs });
  }

  get worstMs(): number {
    return this.#worstMs;
  }

  /** Of what was on its way while nothing was broken, and nothing had been a while before. */
  get calmWorstMs(): number {
    return this.#calmWorstMs;
  }

  /** On their way for longer than lateMs, and nothing was broken in that time, nor shortly before. */
  get late(): readonly Entry[] {
    return this.#late.filter(({ fromMs, toMs }) => this.isLate(fromMs, toMs)).map(({ entry }) => entry);
  }

  /** Acknowledged at `fromMs` and not yet there at `nowMs`. */
  isLate(fromMs: number, nowMs: number): boolean {
    return nowMs - fromMs > lateMs && this.#isCalm(fromMs, fromMs + lateMs);
  }

  #isCalm(fromMs: number, toMs: number): boolean {
    return this.#faults.every((fault) => toMs < fault.fromMs || fromMs > fault.toMs + recoveryMs);
  }
}
