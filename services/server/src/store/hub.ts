/**
 * The wake-up bus of one process: a map from inbox to listeners.
 *
 * Hints only: losing one costs latency, never a message. Listeners run inside `publish`, in the order they came; one
 * that unsubscribes itself or another meanwhile disturbs nobody. It does not cross processes.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { HintSource, WakeupBus, WakeupListener } from "./port.ts";

/** 1,000,000 parked waiters are what one front-end is sized for (about 0.3 KB each). */
const listenersMaxDefault = 1_000_000;

export class WakeupHub implements WakeupBus {
  /**
   * Most inboxes have one listener, which then stands for itself: an array costs 100 bytes more. Arrays are replaced,
   * never changed: a publish that is under way keeps the one it began with.
   */
  readonly #listeners = new Map<InboxKey, WakeupListener | readonly WakeupListener[]>();
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

  publish(inbox: InboxKey, inTail = false): void {
    this.hint(inbox, "hint", inTail);
  }

  /** Tells the listeners of the inbox why they look. */
  hint(inbox: InboxKey, source: HintSource, inTail = false): void {
    const listeners = this.#listeners.get(inbox);
    if (listeners === undefined) return;
    if (!isSeveral(listeners)) return listeners.onHint(source, inTail);
    for (const listener of listeners) listener.onHint(source, inTail);
  }

  claim(inbox: InboxKey, word: string): void {
    const listeners = this.#listeners.get(inbox);
    if (listeners !== undefined) for (const listener of several(listeners)) listener.onClaim?.(word);
  }

  /** Hints come from now on. Throws E021_OVERLOADED beyond listenersMax. */
  subscribe(inbox: InboxKey, listener: WakeupListener): undefined {
    if (this.#count >= this.#listenersMax) throw new QpqError("E021_OVERLOADED", { fields: { limit: "listenersMax" } });
    const before = this.#listeners.get(inbox);
    this.#listeners.set(inbox, before === undefined ? listener : [...several(before), listener]);
    this.#count++;
  }

  unsubscribe(inbox: InboxKey, listener: WakeupListener): void {
    const before = this.#listeners.get(inbox);
    if (before === undefined) return;
    const after = several(before).filter((other) => other !== listener);
    const [first, second] = after;
    if (first === undefined) this.#listeners.delete(inbox);
    else this.#listeners.set(inbox, second === undefined ? first : after);
    this.#count -= several(before).length - after.length;
  }
}

function several(listeners: WakeupListener | readonly WakeupListener[]): readonly WakeupListener[] {
  return isSeveral(listeners) ? listeners : [listeners];
}

function isSeveral(listeners: WakeupListener | readonly WakeupListener[]): listeners is readonly WakeupListener[] {
  return Array.isArray(listeners);
}
