/**
 * Ends the process when one run does not come back: a loop that never ends lets no timer of its own thread run, so a
 * second thread watches. It says which run it was; the same seed and number make it again.
 */
import { Worker } from "node:worker_threads";

/** A run takes less than 1 ms, the slowest some 100 ms; a busy machine may make it a hundred times as long. */
const secondsMax = 20;

/** [0] counts begins and ends, [1] is the run's number, the rest the target's name. */
const words = 64;

export class Watchdog implements Disposable {
  readonly #state = new Int32Array(new SharedArrayBuffer(words * 4));
  readonly #worker: Worker;

  constructor(seed: number) {
    const workerData = { state: this.#state, seed, secondsMax };
    this.#worker = new Worker(new URL("watchdog-worker.ts", import.meta.url), { workerData });
    this.#worker.unref();
  }

  begins(target: string, run: number): void {
    this.#state[1] = run;
    for (let n = 2; n < words; n++) this.#state[n] = target.charCodeAt(n - 2) || 0;
    this.#tick();
  }

  ends(): void {
    this.#tick();
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }

  /** Odd while a run is on. */
  #tick(): void {
    Atomics.add(this.#state, 0, 1);
  }
}
