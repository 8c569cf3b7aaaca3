/**
 * The inboxes of qpq.db, with a bounded cache of their counters. Writing thread only.
 *
 * The cache is written through inside the transaction, so whoever rolls back must call `forget`.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { InboxKey } from "quicproquo-proto";

/** About 10 MB of counters. A miss costs one look into two indexes (about 5 us). */
const cachedInboxesMax = 50_000;

/** Counters are numbers inside the thread: 2^53 messages in one inbox do not happen. */
export type Inbox = {
  readonly id: number;
  /** The last seq that was issued; 0 = none. */
  last: number;
  /** Everything up to here is acknowledged. */
  acked: number;
  /** Everything up to here is acknowledged or ended its life unread. */
  trimmed: number;
};

type Row = { id: number; acked: number; trimmed: number; newest: number | null };

export class InboxTable {
  readonly #cache = new Map<InboxKey, Inbox>();
  readonly #select: StatementSync;
  readonly #selectKey: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #deleteTrimDue: StatementSync;
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync) {
    // One row by the unique index on key, and the last entry of the inbox's range in message_by_place.
    this.#select = db.prepare(`
      SELECT id, acked, trimmed, (SELECT max(seq) FROM message WHERE inbox_id = inbox.id) AS newest
      FROM inbox WHERE key = ?`);
    this.#selectKey = db.prepare("SELECT key FROM inbox WHERE id = ?");
    this.#insert = db.prepare("INSERT INTO inbox (key) VALUES (?)");
    this.#update = db.prepare("UPDATE inbox SET acked = ?, trimmed = ? WHERE id = ?");
    this.#deleteTrimDue = db.prepare("DELETE FROM trim_due WHERE inbox_id = ?");
    this.#delete = db.prepare("DELETE FROM inbox WHERE id = ?");
  }

  find(key: InboxKey): Inbox | undefined {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const row = this.#select.get(Buffer.from(key, "latin1")) as Row | undefined;
    if (row === undefined) return undefined;
    const { id, acked, trimmed } = row;
    return this.#keep(key, { id, acked, trimmed, last: Math.max(acked, trimmed, row.newest ?? 0) });
  }

  findOrMake(key: InboxKey): Inbox {
    const found = this.find(key);
    if (found !== undefined) return found;
    const { lastInsertRowid } = this.#insert.run(Buffer.from(key, "latin1"));
    return this.#keep(key, { id: Number(lastInsertRowid), last: 0, acked: 0, trimmed: 0 });
  }

  /** The inbox of a row that refers to it. */
  byId(id: number): Inbox {
    const row = this.#selectKey.get(id) as { key: Uint8Array };
    return this.find(Buffer.from(row.key).toString("latin1") as InboxKey) as Inbox;
  }

  /** Writes acked and trimmed. */
  save(inbox: Inbox): void {
    this.#update.run(inbox.acked, inbox.trimmed, inbox.id);
  }

  /** Nothing may refer to it any more; under its key another one begins with seq 1. */
  remove(key: InboxKey): void {
    const inbox = this.find(key);
    this.#cache.delete(key);
    if (inbox === undefined) return;
    this.#deleteTrimDue.run(inbox.id);
    this.#delete.run(inbox.id);
  }

  /** After a rollback the cached counters may be ahead of the file. */
  forget(): void {
    this.#cache.clear();
  }

  #keep(key: InboxKey, inbox: Inbox): Inbox {
    if (this.#cache.size >= cachedInboxesMax) {
      const oldest = this.#cache.keys().next();
      if (!oldest.done) this.#cache.delete(oldest.value);
    }
    this.#cache.set(key, inbox);
    return inbox;
  }
}

/** The seq before the oldest message that stands. */
export function baseOf(inbox: Inbox): number {
  return Math.max(inbox.acked, inbox.trimmed);
}
