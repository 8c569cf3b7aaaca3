/** What happened in a trial, and when: faults, and what became of each message. The latest events only. */
import type { Entry } from "../ledger.ts";

/** About 100 bytes each. */
const eventsMax = 500_000;

export type Deed = "acknowledged" | "received" | "removed";

type Event = {
  readonly atMs: number;
  readonly deed: Deed;
  readonly entry: Pick<Entry, "inbox" | "seq">;
  readonly by: string;
};

/** As people look for them: an inbox is told by the start of its name. */
export function nameOf({ inbox, seq }: Pick<Entry, "inbox" | "seq">): string {
  return `${Buffer.from(inbox, "latin1").toString("hex").slice(0, 6)}/${seq}`;
}

export class TimeLine {
  readonly #clock: () => number;
  readonly #events: Event[] = [];
  readonly #faults: { readonly atMs: number; readonly text: string }[] = [];
  #next = 0;

  /** ms since the trial began. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  fault(text: string): void {
    this.#faults.push({ atMs: this.#clock(), text });
  }

  message(deed: Deed, entry: Pick<Entry, "inbox" | "seq">, by: string): void {
    this.#events[this.#next++ % eventsMax] = { atMs: this.#clock(), deed, entry, by };
  }

  /** One line an event: all faults, and what concerns these messages. A removal concerns every message up to its seq. */
  lines(concerned: readonly Pick<Entry, "inbox" | "seq">[]): string[] {
    const told = this.#events.filter((event) => concerned.some((entry) => isAbout(event, entry)));
    const lines = [
      ...this.#faults,
      ...told.map(({ atMs, deed, entry, by }) => ({ atMs, text: `${nameOf(entry)} ${deed} by ${by}` })),
    ];
    return lines
      .sort((one, other) => one.atMs - other.atMs)
      .map(({ atMs, text }) => `${(atMs / 1_000).toFixed(3).padStart(9)} s  ${text}`);
  }
}

function isAbout({ deed, entry }: Event, { inbox, seq }: Pick<Entry, "inbox" | "seq">): boolean {
  if (entry.inbox !== inbox) return false;
  // of the removals only those that may have been this message's: an inbox has thousands
  return deed === "removed" ? entry.seq >= seq && entry.seq < seq + 200n : entry.seq === seq;
}
