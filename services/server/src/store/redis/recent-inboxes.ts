/**
 * Inboxes that were added lately: for lifeMs at least, for twice that at most, and up to a bound, beyond which the older
 * half is forgotten early.
 */
import type { InboxKey } from "quicproquo-proto";

/** Of each half: some 10 MB. */
const inboxesMaxDefault = 65_536;

export type RecentInboxesOptions = {
  readonly lifeMs: number;
  readonly inboxesMax?: number;
  readonly nowMs?: () => number;
};

export class RecentInboxes {
  readonly #lifeMs: number;
  readonly #max: number;
  readonly #nowMs: () => number;
  #sinceMs: number;
  #younger = new Set<InboxKey>();
  #older = new Set<InboxKey>();

  constructor({ lifeMs, inboxesMax = inboxesMaxDefault, nowMs = () => performance.now() }: RecentInboxesOptions) {
    this.#lifeMs = lifeMs;
    this.#max = inboxesMax;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  add(inbox: InboxKey): void {
    this.#age();
    if (this.#younger.size >= this.#max && !this.#younger.has(inbox)) this.#turn();
    this.#younger.add(inbox);
  }

  has(inbox: InboxKey): boolean {
    this.#age();
    return this.#younger.has(inbox) || this.#older.has(inbox);
  }

  #age(): void {
    const ageMs = this.#nowMs() - this.#sinceMs;
    if (ageMs < this.#lifeMs) return;
    if (ageMs >= 2 * this.#lifeMs) this.#younger.clear();
    this.#turn();
  }

  #turn(): void {
    this.#sinceMs = this.#nowMs();
    this.#older = this.#younger;
    this.#younger = new Set();
  }
}
