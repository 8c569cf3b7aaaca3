/** Ends the life of messages that are over it, and forgets old ids; a bounded number a call. */
import { baseOf, type Inbox } from "./inbox-index.ts";
import type { Journal } from "./journal.ts";
import { isTombstone } from "./records.ts";

export type SweepCall = { readonly rowsMax: number; readonly nowMs: number };

export class MessageSweep {
  readonly #journal: Journal;
  readonly #dedupeWindowMs: number;

  constructor(journal: Journal, dedupeWindowMs: number) {
    this.#journal = journal;
    this.#dedupeWindowMs = dedupeWindowMs;
  }

  sweep({ rowsMax, nowMs }: SweepCall): number {
    let rows = this.#sweepExpired({ rowsMax, nowMs });
    rows += this.#sweepTombstoneHeads({ rowsMax: rowsMax - rows, nowMs });
    const forgotten = this.#journal.state.ids.countBefore(nowMs - this.#dedupeWindowMs, rowsMax - rows);
    if (forgotten > 0) this.#journal.forgetIds(forgotten);
    return rows + forgotten;
  }

  /** At the head of its inbox a message goes; behind a message that stands it becomes a tombstone. */
  #sweepExpired({ rowsMax, nowMs }: SweepCall): number {
    const { state } = this.#journal;
    const { pool } = state.inboxes;
    let rows = 0;
    while (rows < rowsMax) {
      const slot = state.lives.first();
      if (slot === undefined || (pool.expiresAtMs[slot] as number) > nowMs) break;
      const inbox = pool.inbox[slot] as Inbox;
      const trimmed = this.#trimHead(inbox, { rowsMax: rowsMax - rows, nowMs });
      if (trimmed === 0) this.#journal.tombstone(inbox.key, pool.seq[slot] as number);
      rows += Math.max(1, trimmed);
    }
    return rows;
  }

  #sweepTombstoneHeads({ rowsMax, nowMs }: SweepCall): number {
    const { trimDue } = this.#journal.state;
    let rows = 0;
    for (const inbox of trimDue) {
      if (rows >= rowsMax) break;
      rows += this.#trimHead(inbox, { rowsMax: rowsMax - rows, nowMs });
    }
    return rows;
  }

  /** Removes what is over its life from the oldest message on; answers how many. */
  #trimHead(inbox: Inbox, { rowsMax, nowMs }: SweepCall): number {
    const { pool } = this.#journal.state.inboxes;
    let count = 0;
    while (count < rowsMax) {
      const slot = inbox.slots[inbox.head + count];
      if (slot === undefined) break;
      const isOver = ((pool.flags[slot] as number) & isTombstone) !== 0 || (pool.expiresAtMs[slot] as number) <= nowMs;
      if (!isOver) break;
      count++;
    }
    if (count > 0) this.#journal.trim(inbox.key, baseOf(inbox) + count);
    return count;
  }
}
