/**
 * Takes the messages of an older version's qpq.db, which had them in tables, into a log.
 *
 * The log is built whole in a folder of its own. One transaction then names it in qpq.db and drops the tables: before it
 * the tables count and what was built is thrown away, after it the log counts. So it may be killed at any moment, and is
 * begun anew.
 */
import type { DatabaseSync } from "node:sqlite";
import type { InboxKey } from "quicproquo-proto";
import { latin1 } from "quicproquo-proto";
import { Journal } from "./journal.ts";
import { Positions } from "./positions.ts";
import { isMark, isTombstone } from "./records.ts";
import type { LogSource } from "./recovery.ts";

/** Of one batch. */
const batchBytes = 1024 * 1024;
const segmentBytesMax = 64 * 1024 * 1024;
/** Messages between two words of progress. */
const progressMessages = 50_000;

const tables = ["message", "shared_payload", "trim_due", "dedupe", "inbox", "mls_group", "group_commit"] as const;

export type Progress = (taken: number, messages: number) => void;

/** The file has messages in tables. */
export function hasMessageTables(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'message'").get() !== undefined;
}

/** Builds the log in its folder, which is empty; all of it is on the disk when it returns. */
export function buildLogFromTables(source: LogSource, db: DatabaseSync, progress: Progress): void {
  const journal = Journal.open({ ...source, positions: new Positions(), segmentBytesMax, bytesMax: 2 ** 40 });
  const batch = new BigBatch(journal);
  takeInboxes(db, batch, progress);
  takeIds(db, batch);
  takeGroups(db, batch);
  journal.commit();
  journal.close();
}

/** In the transaction that names the log. */
export function dropMessageTables(db: DatabaseSync): void {
  for (const table of tables) db.exec(`DROP TABLE IF EXISTS ${table}`);
}

/** Commits by size. */
class BigBatch {
  readonly journal: Journal;
  #bytes = 0;

  constructor(journal: Journal) {
    this.journal = journal;
    journal.prepare(batchBytes, true);
  }

  /** Before a record of about so many bytes. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < batchBytes) return;
    this.journal.commit();
    this.journal.prepare(batchBytes + bytes, true);
    this.#bytes = bytes;
  }
}

type InboxRow = { id: number; key: Uint8Array; acked: number; trimmed: number };
type MessageRow = {
  enqueued_at: number;
  expires_at: number | null;
  is_overflow: number | null;
  sender: Uint8Array | null;
  seq: number;
  payload: Uint8Array | null;
};

function takeInboxes(db: DatabaseSync, batch: BigBatch, progress: Progress): void {
  const { count } = db.prepare("SELECT count(*) AS count FROM message").get() as { count: number };
  // the range of message_by_place
  const selectMessages = db.prepare(`
    SELECT m.seq, m.enqueued_at, m.expires_at, m.is_overflow, m.sender, coalesce(m.payload, s.payload) AS payload
    FROM message m LEFT JOIN shared_payload s ON s.id = m.shared_id WHERE m.inbox_id = ? ORDER BY m.seq`);
  const inboxes = db.prepare("SELECT id, key, acked, trimmed FROM inbox ORDER BY id");
  let taken = 0;
  progress(0, count);
  for (const { id, key, acked, trimmed } of inboxes.iterate() as Iterable<InboxRow>) {
    const inbox = latin1(key) as InboxKey;
    batch.add(100);
    batch.journal.inbox({ inbox, number: id, acked, trimmed });
    for (const row of selectMessages.iterate(id) as Iterable<MessageRow>) {
      takeMessage(batch, inbox, row);
      if (++taken % progressMessages === 0) progress(taken, count);
    }
  }
  progress(taken, count);
}

const nowhere = { segment: 0, offset: 0, recordBytes: 0, bodyBytes: 0, bodyOffset: 0 };

function takeMessage(batch: BigBatch, inbox: InboxKey, row: MessageRow): void {
  const { seq, enqueued_at: enqueuedAtMs, payload } = row;
  const sender = row.sender ?? undefined;
  batch.add(150 + (payload?.length ?? 0));
  if (row.expires_at !== null && row.is_overflow === null && payload !== null) {
    const life = { enqueuedAtMs, expiresAtMs: row.expires_at };
    const { journal } = batch;
    journal.message({ inbox, seq, ...life, sender, messageId: undefined, body: payload, shared: undefined });
    return;
  }
  const flags = (row.expires_at === null ? isTombstone : 0) | (row.is_overflow === null ? 0 : isMark);
  const expiresAtMs = row.expires_at ?? Number.POSITIVE_INFINITY;
  batch.journal.standing({ ...nowhere, flags, enqueuedAtMs, expiresAtMs, sender });
}

type IdRow = { inbox_id: number; message_id: Uint8Array; seq: number; enqueued_at: number };

function takeIds(db: DatabaseSync, batch: BigBatch): void {
  const ids = db.prepare("SELECT inbox_id, message_id, seq, enqueued_at FROM dedupe ORDER BY id");
  for (const { inbox_id: number, message_id: messageId, seq, enqueued_at: atMs } of ids.iterate() as Iterable<IdRow>) {
    batch.add(40);
    batch.journal.id({ number, messageId, seq, atMs });
  }
}

type GroupRow = { group_id: Uint8Array; next_epoch: number; proof_hash: Uint8Array; used_at: number };
type CommitRow = { group_id: Uint8Array; message_id: Uint8Array; seqs: Uint8Array; committed_at: number };

function takeGroups(db: DatabaseSync, batch: BigBatch): void {
  const groups = db.prepare("SELECT group_id, next_epoch, proof_hash, used_at FROM mls_group ORDER BY used_at");
  for (const row of groups.iterate() as Iterable<GroupRow>) {
    batch.add(120);
    const { next_epoch: nextEpoch, proof_hash: proofHash, used_at: usedAtMs } = row;
    batch.journal.group({ groupId: latin1(row.group_id), nextEpoch, proofHash, usedAtMs });
  }
  const commits = db.prepare(
    "SELECT group_id, message_id, seqs, committed_at FROM group_commit ORDER BY committed_at, id",
  );
  for (const row of commits.iterate() as Iterable<CommitRow>) {
    batch.add(120 + row.seqs.length);
    // a copy: the row's bytes need not stand at a multiple of 8
    const seqs = [...new BigUint64Array(Uint8Array.from(row.seqs).buffer)].map(Number);
    const names = { groupId: latin1(row.group_id), messageId: latin1(row.message_id) };
    batch.journal.groupCommit({ ...names, seqs, committedAtMs: row.committed_at });
  }
}
