/**
 * Inboxes that other front-ends are still to be told of, each once, up to a bound: beyond it hints are dropped and
 * counted, and the readers' safety sweep finds what they would have told.
 */
import type { InboxKey } from "quicproquo-proto";

export class HintQueue {
  readonly #waiting = new Set<InboxKey>();
  readonly #max: number;
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** So far. */
  get dropped(): number {
    return this.#dropped;
  }

  add(inbox: InboxKey): void {
    if (this.#waiting.size < this.#max || this.#waiting.has(inbox)) this.#waiting.add(inbox);
    else this.#dropped++;
  }

  /** The oldest. */
  take(count: number): InboxKey[] {
    const taken: InboxKey[] = [];
    for (const inbox of this.#waiting) {
      if (taken.length === count) break;
      taken.push(inbox);
      this.#waiting.delete(inbox);
    }
    return taken;
  }
}
