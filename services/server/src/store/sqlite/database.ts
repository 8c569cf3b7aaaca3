/**
 * Opens qpq.db: the only file that opens a SQLite connection.
 *
 * Promises: a commit is on the disk when it returns (WAL, synchronous = FULL, set at every open because neither is kept
 * in the file for the next connection); this process is the file's only owner until it ends, however it ends.
 */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { QpqError } from "quicproquo-proto";
import { migrate } from "./schema.ts";

/** SQLite's default; 1,024 made appends 40 % slower (more and deeper index pages). */
const pageBytes = 4096;
/** The hot end of the message tree, the dedupe index of about a million messages. */
const cacheBytes = 64 * 1024 * 1024;
/** Pages in the WAL before it is copied into the file: 64 MiB. At 1,000 pages a message's index pages were copied again
 *  and again: 34,000 appends/s instead of 53,000; the copying costs one pause of 20-30 ms either way. */
const checkpointPages = 16_000;

export type DatabaseOptions = {
  readonly file: string;
  /** Largest size of the file; beyond it appends fail with E035_STORE_FULL. */
  readonly fileBytesMax: number;
  readonly raiseStoreEpoch: boolean;
  readonly nowMs: number;
};

export type OpenDatabase = { readonly db: DatabaseSync; readonly storeEpoch: bigint };

export function openDatabase(options: DatabaseOptions): OpenDatabase {
  // Made by us first, because SQLite would make it readable for everyone; the WAL takes over the file's mode.
  closeSync(openSync(options.file, "a", 0o600));
  const db = new DatabaseSync(options.file, { timeout: 0 });
  try {
    db.exec(`PRAGMA page_size = ${pageBytes}`);
    // EXCLUSIVE before WAL: the lock is taken with the first read and held by the operating system for this process, so
    // it goes with a SIGKILL too; and the WAL's index lives on the heap, without a shared-memory file.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    const { journal_mode: mode } = db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    if (mode !== "wal") throw new QpqError("E020_STORE_UNAVAILABLE", { text: "the store file cannot use a WAL" });
    db.exec("PRAGMA synchronous = FULL");
    db.exec(`PRAGMA cache_size = ${-cacheBytes / 1024}`);
    db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    db.exec(`PRAGMA journal_size_limit = ${checkpointPages * pageBytes}`);
    db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.fileBytesMax / pageBytes))}`);
    return { db, storeEpoch: migrate(db, options) };
  } catch (error) {
    db.close();
    throw error;
  }
}
