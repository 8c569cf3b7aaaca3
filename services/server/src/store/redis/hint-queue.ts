/**
 * Inboxes that other front-ends are still to be told of, each once and with the greatest of its claims, up to a bound:
 * beyond it hints are dropped and counted, and the readers' safety sweep finds what they would have told.
 */
import type { InboxKey } from "quicproquo-proto";
import type { Hint } from "./hint-frame.ts";

export class HintQueue {
  readonly #claims = new Map<InboxKey, string>();
  readonly #max: number;
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#claims.size;
  }

  /** So far. */
  get dropped(): number {
    return this.#dropped;
  }

  add({ inbox, claim }: Hint): void {
    const waiting = this.#claims.get(inbox);
    if (waiting === undefined && this.#claims.size >= this.#max) this.#dropped++;
    else if (waiting === undefined || claim > waiting) this.#claims.set(inbox, claim);
  }

  /** The oldest. */
  take(count: number): Hint[] {
    const taken: Hint[] = [];
    for (const [inbox, claim] of this.#claims) {
      if (taken.length === count) break;
      taken.push({ inbox, claim });
      this.#claims.delete(inbox);
    }
    return taken;
  }
}
