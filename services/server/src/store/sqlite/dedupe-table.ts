/** Which message ids an inbox has seen within the dedupe window. Writing thread only. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Inbox } from "./inbox-table.ts";

export type Claim = { readonly inbox: Inbox; readonly messageId: Uint8Array; readonly seq: number };

export class DedupeTable {
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #selectOldest: StatementSync;
  readonly #deleteUpTo: StatementSync;

  constructor(db: DatabaseSync) {
    // One write finds the duplicate and claims the id: a look before it would walk the index twice.
    this.#insert = db.prepare(`
      INSERT INTO dedupe (inbox_id, message_id, seq, enqueued_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.#select = db.prepare("SELECT seq FROM dedupe WHERE inbox_id = ? AND message_id = ?");
    this.#selectOldest = db.prepare("SELECT id, enqueued_at FROM dedupe ORDER BY id LIMIT ?");
    this.#deleteUpTo = db.prepare("DELETE FROM dedupe WHERE id <= ?");
  }

  /** The seq of the first message with this id. */
  find(inbox: Inbox, messageId: Uint8Array): number | undefined {
    return (this.#select.get(inbox.id, messageId) as { seq: number } | undefined)?.seq;
  }

  /** Claims the id for seq and answers undefined, or answers the seq of the first message with this id. */
  claim({ inbox, messageId, seq }: Claim, nowMs: number): number | undefined {
    const isNew = this.#insert.run(inbox.id, messageId, seq, nowMs).changes === 1;
    return isNew ? undefined : this.find(inbox, messageId);
  }

  /** Row ids are in the order of commits; when the clock was set back, an entry may wait for those before it. */
  sweep(rowsMax: number, endMs: number): number {
    let rows = 0;
    let lastId = 0;
    for (const row of this.#selectOldest.iterate(rowsMax) as Iterable<{ id: number; enqueued_at: number }>) {
      if (row.enqueued_at >= endMs) break;
      lastId = row.id;
      rows++;
    }
    if (rows > 0) this.#deleteUpTo.run(lastId);
    return rows;
  }
}
