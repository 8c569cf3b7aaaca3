/**
 * The time and the order of a simulated world. Everything that happens later, a frame's arrival, a store's answer, a
 * timer of the code under test, is a step with a due time; the earliest one runs, promises settle, then the next one. No
 * time passes in between, so a minute of the world costs what its steps cost.
 */
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import { Random } from "quicproquo-rpc/fuzz";
import type { Trace } from "./trace.ts";

type Step = { atMs: number; readonly order: number; name: string; run: () => void };

/** What the globals answer for a timer: Node's, as far as the code under test uses it. */
type Timer = { readonly step: Step; unref(): Timer; ref(): Timer };

/** The world begins here; ms since the Unix epoch. */
const beginningMs = 1_700_000_000_000;

export class VirtualTime {
  /** ms since the beginning of the world. */
  nowMs = 0;
  steps = 0;
  readonly #trace: Trace;
  readonly #random: Random;
  readonly #due: Step[] = [];
  #nextOrder = 0;

  constructor(seed: number, trace: Trace) {
    this.#trace = trace;
    this.#random = new Random(seed, "Math.random");
  }

  /** For code that wants a Clock. */
  readonly clock = (): number => beginningMs + Math.floor(this.nowMs);

  after(delayMs: number, name: string, run: () => void): Step {
    const step = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#nextOrder++, name, run };
    pushDue(this.#due, step);
    return step;
  }

  cancel(step: Step): void {
    step.run = nothing;
    step.name = "";
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, "pause", resolve));
  }

  /** Runs steps until the condition holds between two of them, or the world is so old, or nothing is left to happen. */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    while (!isOver()) {
      const step = this.#due[0];
      if (step === undefined || step.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return;
      }
      popDue(this.#due);
      if (step.name === "") continue; // canceled
      this.nowMs = step.atMs;
      this.steps++;
      this.#trace.step(step.atMs, step.name);
      step.run();
      await settled();
    }
  }

  /** Until it is disposed timers, those of node:timers/promises too, performance.now and chance are this world's. */
  install(): Disposable {
    const real = {
      setTimeout: globalThis.setTimeout,
      clearTimeout: globalThis.clearTimeout,
      setInterval: globalThis.setInterval,
      clearInterval: globalThis.clearInterval,
    };
    const realRandom = Math.random;
    const realPause = timersPromises.setTimeout;
    const realBytes = crypto.randomBytes;
    const clear = (timer: Timer | undefined): void => {
      if (timer !== undefined) this.cancel(timer.step);
    };
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0): Timer => timerOf(this.after(Math.max(1, ms), "timer", run)),
      setInterval: (run: () => void, ms: number): Timer => timerOf(this.#every(ms, run)),
      clearTimeout: clear,
      clearInterval: clear,
    });
    performance.now = () => this.nowMs;
    Math.random = () => fractionOf(this.#random);
    timersPromises.setTimeout = ((ms: number) => this.pause(ms)) as typeof realPause;
    crypto.randomBytes = ((length: number) => Buffer.from(this.#random.bytes(length))) as typeof realBytes;
    syncBuiltinESMExports();
    return {
      [Symbol.dispose]() {
        Object.assign(globalThis, real);
        Reflect.deleteProperty(performance, "now");
        Math.random = realRandom;
        timersPromises.setTimeout = realPause;
        crypto.randomBytes = realBytes;
        syncBuiltinESMExports();
      },
    };
  }

  #every(ms: number, run: () => void): Step {
    const step = this.after(ms, "interval", () => {
      step.atMs += ms;
      pushDue(this.#due, step);
      run();
    });
    return step;
  }
}

/** 0 up to 1. */
export function fractionOf(random: Random): number {
  return random.uint32() / 2 ** 32;
}

/** Node runs what stands in the tick queue when no promise is left to settle: four times cheaper than setImmediate. */
function settled(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}

function timerOf(step: Step): Timer {
  const timer: Timer = { step, unref: () => timer, ref: () => timer };
  return timer;
}

function nothing(): void {}

function isBefore(one: Step, other: Step): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** A binary heap. */
function pushDue(due: Step[], step: Step): void {
  let at = due.push(step) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(step, due[parent] as Step)) break;
    due[at] = due[parent] as Step;
    at = parent;
  }
  due[at] = step;
}

function popDue(due: Step[]): void {
  const last = due.pop() as Step;
  if (due.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= due.length) break;
    if (child + 1 < due.length && isBefore(due[child + 1] as Step, due[child] as Step)) child++;
    if (!isBefore(due[child] as Step, last)) break;
    due[at] = due[child] as Step;
    at = child;
  }
  due[at] = last;
}
