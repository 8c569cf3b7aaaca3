/**
 * The tables of qpq.db, as migrations that only add: a step that was released is never edited.
 *
 * `user_version` counts the steps a file has taken. A file with more steps than this list was written by a newer
 * version and is refused (E037_STORE_SCHEMA) instead of guessed at.
 */
import type { DatabaseSync } from "node:sqlite";
import { QpqError } from "quicproquo-proto";
import { accountTables } from "./account-schema.ts";

/** "QPQ1": tells our files from another program's SQLite file. */
const applicationId = 0x51505131;

const migrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;

  -- One row an inbox that was ever written to, kept for good: its seqs must not be issued again.
  -- The last seq is not a column: it is max(acked, trimmed, the newest message's seq), because only acknowledged and
  -- trimmed messages are ever deleted. Keeping it here too cost one more page a message: 21,000 instead of 36,000
  -- appends/s over 50,000 inboxes.
  CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    acked INTEGER NOT NULL DEFAULT 0,
    trimmed INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- In rowid order bodies are appended to the end of the file's tree; clustered by (inbox, seq) half as fast.
  -- A tombstone has neither payload nor expires_at.
  CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    inbox_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    enqueued_at INTEGER NOT NULL,
    expires_at INTEGER,
    shared_id INTEGER,
    payload BLOB
  ) STRICT;
  CREATE UNIQUE INDEX message_by_seq ON message (inbox_id, seq);
  CREATE INDEX message_by_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;

  -- A payload that one call sent to many inboxes, stored once. The triggers count its messages down, whichever
  -- statement removes them.
  CREATE TABLE shared_payload (id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
  CREATE TRIGGER shared_payload_deleted AFTER DELETE ON message WHEN old.shared_id IS NOT NULL BEGIN
    UPDATE shared_payload SET refs = refs - 1 WHERE id = old.shared_id;
    DELETE FROM shared_payload WHERE id = old.shared_id AND refs = 0;
  END;
  CREATE TRIGGER shared_payload_expired AFTER UPDATE OF shared_id ON message
    WHEN old.shared_id IS NOT NULL AND new.shared_id IS NULL BEGIN
    UPDATE shared_payload SET refs = refs - 1 WHERE id = old.shared_id;
    DELETE FROM shared_payload WHERE id = old.shared_id AND refs = 0;
  END;

  -- Inboxes whose oldest message is a tombstone: work for the sweep.
  CREATE TABLE trim_due (inbox_id INTEGER PRIMARY KEY) STRICT;

  -- In rowid order, which is the order of time, so that the sweep needs no index over the age.
  CREATE TABLE dedupe (
    id INTEGER PRIMARY KEY,
    inbox_id INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    enqueued_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX dedupe_by_message ON dedupe (inbox_id, message_id);

  -- A taken package stays as a row without body until it expires: put again, it must not be handed out again.
  CREATE TABLE key_package (
    id INTEGER PRIMARY KEY,
    identity BLOB NOT NULL,
    last_resort INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    body BLOB
  ) STRICT;
  CREATE UNIQUE INDEX key_package_once ON key_package (identity, last_resort, sha256);
  CREATE INDEX key_package_pool ON key_package (identity, last_resort, id, expires_at) WHERE body IS NOT NULL;
  CREATE INDEX key_package_by_expiry ON key_package (expires_at);

  CREATE TABLE hybrid_key (identity BLOB PRIMARY KEY, public_key BLOB NOT NULL, signature BLOB NOT NULL) STRICT;
  `,
  `
  -- 1: a mark. A message of a group's commit belongs here that the full inbox could not take; the mark has its life
  -- and no payload, and its reader is told gap{overflow}. Like a message it ends as a tombstone or goes with the sweep.
  ALTER TABLE message ADD COLUMN is_overflow INTEGER;

  -- Which epoch of a group is next, and the hash of the proof that its committer must show.
  CREATE TABLE mls_group (
    group_id BLOB PRIMARY KEY,
    next_epoch INTEGER NOT NULL,
    proof_hash BLOB NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX mls_group_by_use ON mls_group (used_at);

  -- What an accepted commit answered: its seqs, 8 bytes each, little-endian.
  CREATE TABLE group_commit (
    id INTEGER PRIMARY KEY,
    group_id BLOB NOT NULL,
    message_id BLOB NOT NULL,
    seqs BLOB NOT NULL,
    committed_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX group_commit_once ON group_commit (group_id, message_id);
  CREATE INDEX group_commit_by_age ON group_commit (committed_at);
  `,
  accountTables,
  `
  -- The first 8 bytes of SHA-256 of its sender, of a message that takes part of a sender's share. In the index too: in the
  -- row it stands behind the payload, and counting would walk down each.
  ALTER TABLE message ADD COLUMN sender BLOB;
  CREATE INDEX message_by_place ON message (inbox_id, seq, sender);
  DROP INDEX message_by_seq;
  `,
  `
  -- What a device has published goes with it, whichever statement removes it.
  CREATE TRIGGER device_deleted AFTER DELETE ON device BEGIN
    DELETE FROM endpoint WHERE identity = old.device_key;
    DELETE FROM delivery_token WHERE identity = old.device_key;
  END;
  `,
];

export type SchemaOptions = {
  readonly nowMs: number;
  /** Raise the store epoch: the file was restored from a backup and may lack acknowledged messages. */
  readonly raiseStoreEpoch: boolean;
};

/** Brings the file to the newest schema in one transaction and answers its store epoch. */
export function migrate(db: DatabaseSync, { nowMs, raiseStoreEpoch }: SchemaOptions): bigint {
  db.exec("BEGIN IMMEDIATE");
  checkVersion(db);
  for (const step of migrations.slice(versionOf(db))) db.exec(step);
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`);
  const storeEpoch = settleStoreEpoch(db, nowMs, raiseStoreEpoch);
  db.exec("COMMIT");
  return storeEpoch;
}

/** E037_STORE_SCHEMA for a newer version's file, or another program's. An older one's is taken, and so is an empty one. */
export function checkVersion(db: DatabaseSync): void {
  const version = versionOf(db);
  if (version > migrations.length) {
    throw new QpqError("E037_STORE_SCHEMA", {
      fields: { found: version, known: migrations.length },
      text: "the store file was written by a newer version; run that one, or give another folder with --data-dir",
    });
  }
  const isEmpty = db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (!isEmpty && pragma(db, "application_id") !== applicationId) {
    throw new QpqError("E037_STORE_SCHEMA", {
      text: "the store file is another program's SQLite file; give another folder with --data-dir",
    });
  }
}

/** Migrations that the file has taken. */
export function versionOf(db: DatabaseSync): number {
  return pragma(db, "user_version");
}

/**
 * A new file's epoch is the time of its making, not 1: a client with cursors from a file that was deleted is then told
 * epochReset, where 1 = 1 would make it skip the new file's first messages.
 */
function settleStoreEpoch(db: DatabaseSync, nowMs: number, raise: boolean): bigint {
  const now = Math.max(1, Math.floor(nowMs));
  db.prepare("INSERT INTO meta (name, value) VALUES ('store_epoch', ?) ON CONFLICT DO NOTHING").run(now);
  if (raise) db.prepare("UPDATE meta SET value = max(value + 1, ?) WHERE name = 'store_epoch'").run(now);
  return readStoreEpoch(db);
}

export function readStoreEpoch(db: DatabaseSync): bigint {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'store_epoch'").get() as { value: number };
  return BigInt(row.value);
}

function pragma(db: DatabaseSync, name: "user_version" | "application_id"): number {
  return (db.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name] as number;
}
