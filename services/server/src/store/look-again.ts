/** After a cut every listener of a hub looks again, for hints may have been lost: not all in one moment, but all of them. */
import type { InboxKey } from "quicproquo-proto";
import type { WakeupHub } from "./hub.ts";

/** 50,000 inboxes/s, whose reads a store answers as they come. */
const inboxesAtOnce = 1_000;
const everyMs = 20;

export class LookAgain {
  readonly #hub: WakeupHub;
  #waiting: InboxKey[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(hub: WakeupHub) {
    this.#hub = hub;
  }

  /** From the beginning; those that were still to be told are told first, so that frequent cuts keep nobody waiting. */
  start(): void {
    const left = new Set(this.#waiting);
    this.#waiting = [...this.#hub.inboxes.filter((inbox) => !left.has(inbox)), ...left];
    this.#tell();
  }

  close(): void {
    this.#waiting = [];
    clearTimeout(this.#timer);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    for (const inbox of this.#waiting.splice(-inboxesAtOnce)) this.#hub.hint(inbox, "reconnect");
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#tell(), everyMs);
  }
}
