/**
 * The wake-up bus of a front-end whose store is another process. A publish goes to the owner, and hints come from there
 * only, this front-end's own too: each listener is told once. The owner hears of the first listener of an inbox and of
 * the last one's leaving.
 */
import type { InboxKey } from "quicproquo-proto";
import { WakeupHub } from "../hub.ts";
import { LookAgain } from "../look-again.ts";
import type { WakeupBus, WakeupListener } from "../port.ts";

export type OwnersEar = {
  /** Ignored while the owner cannot be reached. */
  readonly subscribe: (inbox: InboxKey) => void;
  readonly unsubscribe: (inbox: InboxKey) => void;
  readonly publish: (inbox: InboxKey) => void;
  readonly claim: (inbox: InboxKey, word: string) => void;
};

export class RemoteWakeups implements WakeupBus {
  readonly #hub = new WakeupHub();
  readonly #owner: OwnersEar;
  readonly #lookAgain = new LookAgain(this.#hub);

  constructor(owner: OwnersEar) {
    this.#owner = owner;
  }

  publish(inbox: InboxKey): void {
    this.#owner.publish(inbox);
  }

  /** The word to the owner goes before any later read. Throws E021_OVERLOADED as WakeupHub. */
  subscribe(inbox: InboxKey, listener: WakeupListener): undefined {
    const isFirst = !this.#hub.hasListener(inbox);
    this.#hub.subscribe(inbox, listener);
    if (isFirst) this.#owner.subscribe(inbox);
  }

  unsubscribe(inbox: InboxKey, listener: WakeupListener): void {
    if (!this.#hub.hasListener(inbox)) return;
    this.#hub.unsubscribe(inbox, listener);
    if (!this.#hub.hasListener(inbox)) this.#owner.unsubscribe(inbox);
  }

  claim(inbox: InboxKey, word: string): void {
    this.#owner.claim(inbox, word);
  }

  /** A claim has come. */
  tellClaim(inbox: InboxKey, word: string): void {
    this.#hub.claim(inbox, word);
  }

  /** A hint has come. */
  tell(inbox: InboxKey): void {
    this.#hub.publish(inbox);
  }

  /** The owner is back and knows nothing: it is told of everybody, and everybody looks again, for hints may be lost. */
  resume(): void {
    for (const inbox of this.#hub.inboxes) this.#owner.subscribe(inbox);
    this.#lookAgain.start();
  }

  close(): void {
    this.#lookAgain.close();
  }
}
