/** Removes the inboxes of one recipient from qpq.db. Writing thread only, in its transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type IdentityKey, type InboxKey, latin1 } from "quicproquo-proto";
import type { InboxTable } from "./inbox-table.ts";
import type { MessageTable } from "./message-table.ts";

/** Longer than any channel id. */
const beyondChannels = Buffer.alloc(17, 0xff);

type Parts = { readonly inboxes: InboxTable; readonly messages: MessageTable };

export class InboxErasure {
  readonly #parts: Parts;
  readonly #selectInbox: StatementSync;
  readonly #selectSeqs: StatementSync;
  readonly #deleteDedupe: StatementSync;

  constructor(db: DatabaseSync, parts: Parts) {
    this.#parts = parts;
    // by the unique index on key: the default inbox and those of channels
    this.#selectInbox = db.prepare("SELECT id, key FROM inbox WHERE key >= ? AND key < ? LIMIT 1");
    this.#selectSeqs = db.prepare("SELECT seq FROM message WHERE inbox_id = ? ORDER BY seq LIMIT ?");
    this.#deleteDedupe = db.prepare(`
      DELETE FROM dedupe WHERE id IN (SELECT id FROM dedupe WHERE inbox_id = ? LIMIT ?)`);
  }

  /** 0: nothing is left of the key. */
  erase(key: IdentityKey, rowsMax: number): number {
    const inbox = this.#selectInbox.get(key, Buffer.concat([key, beyondChannels])) as
      | { id: number; key: Uint8Array }
      | undefined;
    return inbox === undefined ? 0 : this.#eraseInbox(inbox.id, latin1(inbox.key) as InboxKey, rowsMax);
  }

  /** Its messages as if they were acknowledged, then its ids, and itself when nothing refers to it any more. */
  #eraseInbox(id: number, key: InboxKey, rowsMax: number): number {
    const seqs = this.#selectSeqs.all(id, rowsMax) as { seq: number }[];
    const last = seqs.at(-1);
    if (last !== undefined) {
      this.#parts.messages.ack({ inbox: key, upTo: BigInt(last.seq), storeEpoch: 0n });
      return seqs.length;
    }
    const ids = Number(this.#deleteDedupe.run(id, rowsMax).changes);
    if (ids > 0) return ids;
    this.#parts.inboxes.remove(key);
    return 1;
  }
}
