/**
 * Inboxes that other front-ends are still to be told of, each once and with the greatest of its claims, up to a bound:
 * beyond it hints are dropped and counted, and the readers' safety sweep finds what they would have told.
 */
import type { InboxKey } from "quicproquo-proto";
import type { Hint } from "./hint-frame.ts";

export class HintQueue {
  #waiting = new Map<InboxKey, Hint>();
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

  add(hint: Hint): void {
    const { inbox, claim, inTail } = hint;
    const waiting = this.#waiting.get(inbox);
    if (waiting === undefined && this.#waiting.size >= this.#max) this.#dropped++;
    else if (waiting === undefined) this.#waiting.set(inbox, hint);
    else {
      const greater = claim > waiting.claim ? claim : waiting.claim;
      this.#waiting.set(inbox, { inbox, claim: greater, inTail: inTail && waiting.inTail });
    }
  }

  /** The oldest. */
  take(count: number): Hint[] {
    if (this.#waiting.size <= count) {
      const all = [...this.#waiting.values()];
      // a Map that hints go into and out of for ever keeps them until the next full collection (postgres/latest.ts)
      this.#waiting = new Map();
      return all;
    }
    const taken: Hint[] = [];
    for (const [inbox, hint] of this.#waiting) {
      if (taken.length === count) break;
      taken.push(hint);
      this.#waiting.delete(inbox);
    }
    return taken;
  }
}
