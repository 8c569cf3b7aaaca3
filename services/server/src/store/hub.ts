/**
 * The wake-up bus of one process: a map from inbox to listeners.
 *
 * Hints only: losing one costs latency, never a message. Listeners run inside `publish`, in the order they came; one
 * that unsubscribes itself or another meanwhile disturbs nobody. It does not cross processes.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { WakeupBus } from "./port.ts";

type Listener = () => void;

/** 1,000,000 parked waiters are what one front-end is sized for (about 0.3 KB each). */
const listenersMaxDefault = 1_000_000;

export class WakeupHub implements WakeupBus {
  /** Arrays are replaced, never changed: a publish that is under way keeps the one it began with. */
  readonly #listeners = new Map<InboxKey, readonly Listener[]>();
  readonly #listenersMax: number;
  #count = 0;

  constructor(listenersMax: number = listenersMaxDefault) {
    this.#listenersMax = listenersMax;
  }

  get listenerCount(): number {
    return this.#count;
  }

  /** Those that somebody listens to. */
  get inboxes(): readonly InboxKey[] {
    return [...this.#listeners.keys()];
  }

  hasListener(inbox: InboxKey): boolean {
    return this.#listeners.has(inbox);
  }

  publish(inbox: InboxKey): void {
    const listeners = this.#listeners.get(inbox);
    if (listeners === undefined) return;
    for (const listener of listeners) listener();
  }

  /** Throws E021_OVERLOADED beyond listenersMax. */
  subscribe(inbox: InboxKey, listener: Listener): () => void {
    if (this.#count >= this.#listenersMax) throw new QpqError("E021_OVERLOADED", { fields: { limit: "listenersMax" } });
    // Wrapped so that the same function subscribed twice is two subscriptions.
    const own: Listener = () => listener();
    this.#listeners.set(inbox, [...(this.#listeners.get(inbox) ?? []), own]);
    this.#count++;
    return () => this.#unsubscribe(inbox, own);
  }

  #unsubscribe(inbox: InboxKey, own: Listener): void {
    const before = this.#listeners.get(inbox);
    if (before === undefined || !before.includes(own)) return;
    const after = before.filter((listener) => listener !== own);
    if (after.length === 0) this.#listeners.delete(inbox);
    else this.#listeners.set(inbox, after);
    this.#count--;
  }
}
