/**
 * Begins each action when it is due, whatever became of those before it. At most `inFlightMax` are under way: one that is
 * due beyond that is counted as missed and not begun, since a load without a limit would measure its own memory.
 */
import { setImmediate, setTimeout } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import { Alarm } from "./alarm.ts";
import { machineMs } from "./clock.ts";
import type { Recorder } from "./recorder.ts";

export type OpenLoopOptions = {
  /** Ascending, in ms from `startMs`; below 0: warming up, not recorded. */
  readonly dueTimesMs: Iterable<number>;
  /** machineMs of due time 0: the same for all drivers. */
  readonly startMs: number;
  /** The n-th action, from 0. */
  readonly once: (n: number) => Promise<void>;
  readonly recorder: Recorder;
  readonly inFlightMax: number;
  /** After the last action was begun: how long those under way are waited for, in ms. Default: 15,000. */
  readonly drainMs?: number;
  /** Begins nothing more. */
  readonly signal?: AbortSignal;
};

/** A call's own deadline (10 s in the sdk) comes first, so that what is still under way after it hangs. */
const drainMsDefault = 15_000;

/** While nothing is due: how often it looks whether it shall stop. */
const lookMs = 100;

/** An action that was still under way at the end of the drain. */
const unfinishedCode = "E028_DEADLINE";

export class OpenLoop {
  readonly #options: OpenLoopOptions;
  /** When each that is under way was due. */
  readonly #underWay = new Map<number, number>();
  #emptied: (() => void) | undefined;
  #begun = 0;
  /** No answer of a server: what is measured with it would mean something else. */
  #defect: unknown;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
  }

  /** Since the start, with the warm-up. */
  get begun(): number {
    return this.#begun;
  }

  get inFlight(): number {
    return this.#underWay.size;
  }

  /** Resolves when nothing is under way any more, or the drain is over. */
  async run(): Promise<void> {
    const { dueTimesMs, startMs, inFlightMax, recorder } = this.#options;
    await using alarm = new Alarm();
    // without one a load that is behind would never let an answer in
    const burst = 64;
    let untilYield = burst;
    for (const dueMs of dueTimesMs) {
      if (startMs + dueMs <= machineMs() && --untilYield === 0) {
        await setImmediate();
        untilYield = burst;
      }
      for (let nowMs = machineMs(); nowMs < startMs + dueMs && !this.#isStopped; nowMs = machineMs()) {
        await alarm.until(Math.min(startMs + dueMs, nowMs + lookMs));
        untilYield = burst;
      }
      if (this.#isStopped) break;
      if (this.#underWay.size < inFlightMax) this.#begin(dueMs);
      else recorder.missedAt(dueMs);
    }
    await this.#drained();
    for (const dueMs of this.#underWay.values()) recorder.failed(dueMs, unfinishedCode);
    this.#underWay.clear();
    if (this.#defect !== undefined) throw this.#defect;
  }

  get #isStopped(): boolean {
    return this.#options.signal?.aborted === true || this.#defect !== undefined;
  }

  #begin(dueMs: number): void {
    const { startMs, recorder, once } = this.#options;
    const n = this.#begun++;
    this.#underWay.set(n, dueMs);
    const beganMs = machineMs() - startMs;
    once(n).then(
      () => {
        if (this.#ended(n)) recorder.done({ dueMs, beganMs, endedMs: machineMs() - startMs });
      },
      (error: unknown) => {
        if (!this.#ended(n)) return;
        if (error instanceof QpqError) recorder.failed(dueMs, error.code);
        else this.#defect = error;
      },
    );
  }

  /** False: it was given up before. */
  #ended(n: number): boolean {
    const wasUnderWay = this.#underWay.delete(n);
    if (this.#underWay.size === 0) this.#emptied?.();
    return wasUnderWay;
  }

  async #drained(): Promise<void> {
    if (this.#underWay.size === 0) return;
    const emptied = Promise.withResolvers<void>();
    this.#emptied = emptied.resolve;
    const over = new AbortController();
    const drain = setTimeout(this.#options.drainMs ?? drainMsDefault, undefined, { signal: over.signal });
    await Promise.race([emptied.promise, drain.catch(() => undefined)]);
    over.abort();
  }
}
