/**
 * Runs asynchronous work one after the other, in the order it was handed in; work that fails does not stop what follows.
 * MLS state is a chain: two operations on one value would use one key twice (design/mls.md).
 */
import { QpqError } from "quicproquo-proto";

export class TurnQueue {
  readonly #waitingMax: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** E021_OVERLOADED at once when too many wait. Work must not wait for work handed in later. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#waitingMax) throw new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000 });
    this.#waiting++;
    const turn = this.#last.then(work).finally(() => this.#waiting--);
    // the next one starts however this one ends; who handed it in hears of a failure through `turn`
    this.#last = turn.catch(() => {});
    return turn;
  }
}
