/**
 * Removes what is over its life, a bounded number of rows a call. Writing thread only, inside the batch's transaction.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BlobTable } from "./blob-table.ts";
import type { DedupeTable } from "./dedupe-table.ts";
import type { Erasure } from "./erasure.ts";
import type { GroupTable } from "./group-table.ts";
import { baseOf, type Inbox, type InboxTable } from "./inbox-table.ts";
import type { MessageTable } from "./message-table.ts";

type ExpiredRow = { id: number; inbox_id: number; seq: number };

export type SweeperParts = {
  /** Ends the life of messages, ids and groups. */
  readonly sweepMessages: (rowsMax: number, nowMs: number) => number;
  readonly blobs: BlobTable;
  readonly erasure: Erasure;
};

export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #deleteExpired: readonly StatementSync[];

  constructor(db: DatabaseSync, parts: SweeperParts) {
    this.#parts = parts;
    // by the index of each on expires_at
    this.#deleteExpired = ["key_package", "token", "endpoint"].map((table) =>
      db.prepare(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires_at <= ? LIMIT ?)`),
    );
  }

  sweep(rowsMax: number, nowMs: number): number {
    let rows = this.#parts.sweepMessages(rowsMax, nowMs);
    for (const statement of this.#deleteExpired) rows += Number(statement.run(nowMs, rowsMax - rows).changes);
    rows += this.#parts.blobs.sweep(rowsMax - rows, nowMs);
    rows += this.#parts.erasure.sweep(rowsMax - rows);
    return rows;
  }
}

export type MessageSweeperParts = {
  readonly inboxes: InboxTable;
  readonly messages: MessageTable;
  readonly dedupe: DedupeTable;
  readonly groups: GroupTable;
  readonly dedupeWindowMs: number;
};

export class MessageSweeper {
  readonly #parts: MessageSweeperParts;
  readonly #selectExpired: StatementSync;
  readonly #deleteMessage: StatementSync;
  readonly #makeTombstone: StatementSync;
  readonly #selectTrimDue: StatementSync;
  readonly #deleteTrimDue: StatementSync;
  readonly #selectHeadRun: StatementSync;

  constructor(db: DatabaseSync, parts: MessageSweeperParts) {
    this.#parts = parts;
    // By message_by_expiry; messages of one inbox with one life come in seq order, so that most are at the head.
    this.#selectExpired = db.prepare(`
      SELECT id, inbox_id, seq FROM message WHERE expires_at <= ? ORDER BY expires_at, id LIMIT ?`);
    this.#deleteMessage = db.prepare("DELETE FROM message WHERE inbox_id = ? AND seq = ?");
    this.#makeTombstone = db.prepare(
      "UPDATE message SET payload = NULL, shared_id = NULL, expires_at = NULL WHERE id = ?",
    );
    this.#selectTrimDue = db.prepare("SELECT inbox_id FROM trim_due LIMIT 1");
    this.#deleteTrimDue = db.prepare("DELETE FROM trim_due WHERE inbox_id = ?");
    this.#selectHeadRun = db.prepare(`
      SELECT seq, expires_at FROM message WHERE inbox_id = ? AND seq > ? ORDER BY seq LIMIT ?`);
  }

  sweep(rowsMax: number, nowMs: number): number {
    let rows = this.#sweepExpired(rowsMax, nowMs);
    rows += this.#sweepTombstoneHeads(rowsMax - rows);
    rows += this.#parts.dedupe.sweep(rowsMax - rows, nowMs - this.#parts.dedupeWindowMs);
    return rows + this.#parts.groups.sweep(rowsMax - rows, nowMs);
  }

  /** At the head of its inbox a message goes; behind a message that stands it becomes a tombstone. */
  #sweepExpired(rowsMax: number, nowMs: number): number {
    const expired = this.#selectExpired.all(nowMs, rowsMax) as ExpiredRow[];
    const touched = new Map<number, Inbox>();
    for (const row of expired) {
      const inbox = touched.get(row.inbox_id) ?? this.#parts.inboxes.byId(row.inbox_id);
      touched.set(row.inbox_id, inbox);
      if (row.seq === baseOf(inbox) + 1) {
        this.#deleteMessage.run(inbox.id, row.seq);
        inbox.trimmed = row.seq;
      } else {
        this.#makeTombstone.run(row.id);
      }
    }
    for (const inbox of touched.values()) {
      this.#parts.inboxes.save(inbox);
      this.#parts.messages.noteTombstoneHead(inbox);
    }
    return expired.length;
  }

  #sweepTombstoneHeads(rowsMax: number): number {
    let rows = 0;
    while (rows < rowsMax) {
      const due = this.#selectTrimDue.get() as { inbox_id: number } | undefined;
      if (due === undefined) break;
      const inbox = this.#parts.inboxes.byId(due.inbox_id);
      rows += this.#trimHead(inbox, rowsMax - rows);
      this.#deleteTrimDue.run(inbox.id);
      this.#parts.messages.noteTombstoneHead(inbox);
    }
    return rows;
  }

  #trimHead(inbox: Inbox, rowsMax: number): number {
    const base = baseOf(inbox);
    let seq = base;
    const run = this.#selectHeadRun.all(inbox.id, base, rowsMax) as { seq: number; expires_at: number | null }[];
    for (const row of run) {
      if (row.expires_at !== null) break;
      this.#deleteMessage.run(inbox.id, row.seq);
      seq = row.seq;
    }
    if (seq > base) inbox.trimmed = seq;
    this.#parts.inboxes.save(inbox);
    return seq - base;
  }
}
