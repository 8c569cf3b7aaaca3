/**
 * Opens qpq.db: the only file that opens a SQLite connection.
 *
 * Promises: a commit is on the disk when it returns (WAL, synchronous = FULL, set at every open because neither is kept
 * in the file for the next connection); this process is the file's only owner until it ends, however it ends. One
 * connection writes, one reads.
 */
import assert from "node:assert";
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { QpqError } from "quicproquo-proto";
import { sqliteCodeOf } from "./failure.ts";
import { migrate, readStoreEpoch } from "./schema.ts";

/** Less CPU a message than SQLite's default of 4,096 (17 instead of 20 us) and shorter pauses; 1,024 took 29 us. */
const pageBytes = 8192;
/** The hot end of the message tree, the dedupe index of about a million messages. */
const writeCacheBytes = 64 * 1024 * 1024;
/** SQLite forgets a reader's cache with every commit of the writer: it only has to hold one batch's pages. */
const readCacheBytes = 8 * 1024 * 1024;
/**
 * Pages in the WAL before it is copied into the file: 64 MiB. At 4 MiB the same index pages were copied again and
 * again: 34,000 appends/s instead of 53,000. Each copying is a pause of 20-30 ms.
 */
const checkpointPages = 8_000;

export type DatabaseOptions = {
  readonly file: string;
  /** Largest size of the file; beyond it appends fail with E035_STORE_FULL. */
  readonly fileBytesMax: number;
  readonly raiseStoreEpoch: boolean;
  readonly nowMs: number;
};

export type WriteConnection = {
  readonly db: DatabaseSync;
  /** Holds the lock until it is closed. */
  readonly lock: DatabaseSync;
  readonly storeEpoch: bigint;
};

export function openForWriting(options: DatabaseOptions): WriteConnection {
  const lock = lockFile(options.file);
  let db: DatabaseSync | undefined;
  try {
    makeFile(options.file);
    db = new DatabaseSync(options.file);
    db.exec(`PRAGMA page_size = ${pageBytes}`);
    const { journal_mode: mode } = db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    if (mode !== "wal") throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store file cannot use a WAL" });
    db.exec("PRAGMA synchronous = FULL");
    db.exec(`PRAGMA cache_size = ${-writeCacheBytes / 1024}`);
    db.exec("PRAGMA wal_autocheckpoint = 0");
    db.exec(`PRAGMA journal_size_limit = ${checkpointPages * pageBytes}`);
    db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.fileBytesMax / pageBytes))}`);
    return { db, lock, storeEpoch: migrate(db, options) };
  } catch (error) {
    db?.close();
    lock.close();
    throw error;
  }
}

/** Opened after the writing connection, which has brought the schema up to date. */
export function openForReading(file: string): { readonly db: DatabaseSync; readonly storeEpoch: bigint } {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    db.exec(`PRAGMA cache_size = ${-readCacheBytes / 1024}`);
    return { db, storeEpoch: readStoreEpoch(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Throws SQLITE_BUSY when another process, or another store of this one, holds the file's lock.
 *
 * The lock is a transaction on a file beside it that never ends: the operating system holds it for this process, so it
 * goes with a SIGKILL too. Not on the file itself (locking_mode = EXCLUSIVE), because that would keep the reading
 * connection out, and a backup (`VACUUM INTO`, `.backup`) by another program as well.
 */
function lockFile(file: string): DatabaseSync {
  makeFile(`${file}.lock`);
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Copies the WAL into the file once it is long. COMMIT could do it by itself, but would hold its answers back
 * meanwhile. When it fails (a full disk) nothing is lost: the WAL keeps what was committed, and the next call tries again.
 */
export function checkpointWhenDue(db: DatabaseSync): void {
  const { log } = db.prepare("PRAGMA wal_checkpoint(NOOP)").get() as { log: number };
  if (log < checkpointPages) return;
  try {
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (error) {
    assert(sqliteCodeOf(error) !== 0);
  }
}

/** SQLite would make the file readable for everyone; WAL and shared memory take over its mode. */
function makeFile(file: string): void {
  try {
    // "x": an existing file is not even opened, because closing it again would drop the lock that a store in this
    // process may hold on it (POSIX locks belong to the process, and any close gives them up).
    closeSync(openSync(file, "ax", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
