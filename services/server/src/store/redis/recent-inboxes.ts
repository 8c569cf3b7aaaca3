/**
 * What is known of inboxes since lately: for lifeMs at least, for twice that at most, and up to a bound, beyond which the
 * older half is forgotten early.
 */
import type { IdentityKey, InboxKey } from "quicproquo-proto";
import { latin1 } from "quicproquo-proto";

/** Of each half: some 10 MB. */
const inboxesMaxDefault = 65_536;

export type RecentInboxesOptions = {
  readonly lifeMs: number;
  readonly inboxesMax?: number;
  readonly nowMs?: () => number;
};

export class RecentInboxes<Value> {
  readonly #lifeMs: number;
  readonly #max: number;
  readonly #nowMs: () => number;
  #sinceMs: number;
  #younger = new Map<InboxKey, Value>();
  #older = new Map<InboxKey, Value>();

  constructor({ lifeMs, inboxesMax = inboxesMaxDefault, nowMs = () => performance.now() }: RecentInboxesOptions) {
    this.#lifeMs = lifeMs;
    this.#max = inboxesMax;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  set(inbox: InboxKey, value: Value): void {
    this.#age();
    if (this.#younger.size >= this.#max && !this.#younger.has(inbox)) this.#turn();
    this.#younger.set(inbox, value);
  }

  get(inbox: InboxKey): Value | undefined {
    this.#age();
    return this.#younger.get(inbox) ?? this.#older.get(inbox);
  }

  /** Looks at all that it knows. */
  inboxesOf(identity: IdentityKey): readonly InboxKey[] {
    const recipient = latin1(identity);
    return [...this.#younger.keys(), ...this.#older.keys()].filter((inbox) => inbox.startsWith(recipient));
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
    this.#younger = new Map();
  }
}
