/** Ends the life of old messages and dedupe entries, a bounded number of rows at a time, beside the traffic. */
import { errorCodeOf } from "quicproquo-proto";
import type { Observer } from "../observe/observer.ts";
import type { MessageLog } from "../store/port.ts";

// 2,000 rows: one commit of a few ms, so enqueues behind it hardly wait
const rowsMax = 2_000;
// expiry is counted in seconds at the least; a full round every 5 s is soon enough
const pauseMs = 5_000;

export class Sweeper {
  readonly #log: MessageLog;
  readonly #observer: Observer;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #round: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(log: MessageLog, observer: Observer) {
    this.#log = log;
    this.#observer = observer;
    this.#later(pauseMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #later(ms: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#sweep();
    }, ms);
  }

  async #sweep(): Promise<void> {
    try {
      const rows = await this.#log.sweep(rowsMax);
      this.#later(rows < rowsMax ? pauseMs : 0);
    } catch (error) {
      this.#observer.backgroundFailed("sweep", errorCodeOf(error));
      this.#later(pauseMs);
    }
  }
}
