/**
 * Wakes at a moment, 0.12 ms late (median; a busy machine lets it wait for a core, as everybody). Node's own timers count
 * whole ms: of 750 waits of 1 to 5 ms they were 0.9 ms early to 0.4 ms late (p10, p90), which is more than an answer on a
 * local network takes. A thread waits on a futex, which takes fractions (futex(2)), and tells.
 */
import { Worker } from "node:worker_threads";
import { machineMs } from "./clock.ts";

/** Shared with alarm-worker.ts. */
export type AlarmMemory = {
  /** [0]: counts what it was asked for; [1]: counts what it has told. */
  readonly counts: Int32Array;
  /** [0]: ms from when it is asked. */
  readonly waitMs: Float64Array;
};

export class Alarm implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #memory: AlarmMemory;

  constructor() {
    this.#memory = {
      counts: new Int32Array(new SharedArrayBuffer(8)),
      waitMs: new Float64Array(new SharedArrayBuffer(8)),
    };
    this.#worker = new Worker(new URL("./alarm-worker.ts", import.meta.url), { workerData: this.#memory });
  }

  /** One at a time. At once when that moment (machineMs) is past. */
  async until(atMs: number): Promise<void> {
    const waitMs = atMs - machineMs();
    if (waitMs <= 0) return;
    const { counts } = this.#memory;
    const told = Atomics.load(counts, 1);
    this.#memory.waitMs[0] = waitMs;
    Atomics.add(counts, 0, 1);
    Atomics.notify(counts, 0);
    await Atomics.waitAsync(counts, 1, told).value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
