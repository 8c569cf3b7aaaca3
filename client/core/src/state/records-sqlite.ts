/**
 * qpq-state.db: the records as one SQLite file of Node, each sealed by {@link RecordCipher}. The only file of the client
 * that opens a SQLite connection.
 *
 * Durable (WAL, synchronous = FULL) when a write returns; one process owns the file until it closes it or ends, however
 * it ends; owner-only mode. SQLite runs on the caller's thread: a write holds it for one fsync (1 to 3 ms on an SSD).
 * Deleted records are overwritten in the file; a copy in the WAL lasts until the WAL is copied back and written over.
 */
import { closeSync, openSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import type { SecretBytes } from "../secret.ts";
import { RecordCipher } from "./record-cipher.ts";
import type { RecordChange, RecordEntry, RecordId, RecordStore } from "./records.ts";

const schemaVersion = 1;
const ownerOnly = 0o600;
const othersMask = 0o077;
/** Windows has no mode bits. */
const posix = process.platform !== "win32";
/** Sealed at the first opening: with another database key no row would be found, and the file would look empty. */
const checkId = "store/check";

export type RecordFileOptions = {
  /** Made when it is missing, in a folder that is there. */
  readonly file: string;
  readonly databaseKey: SecretBytes;
};

/**
 * E036_STORE_LOCKED when another process (or another store of this one) has it open, E037_STORE_SCHEMA when a newer
 * version wrote it, E044_STATE_FILE when it is no such file, is open to other users, or belongs to another database key.
 */
export function openRecordFile({ file, databaseKey }: RecordFileOptions): RecordStore {
  return translated(() => {
    requireOwnFile(file);
    const db = new DatabaseSync(file, { timeout: 0 });
    try {
      return new SqliteRecords(prepared(db), new RecordCipher(databaseKey));
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

class SqliteRecords implements RecordStore {
  readonly #db: DatabaseSync;
  readonly #cipher: RecordCipher;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync, cipher: RecordCipher) {
    this.#db = db;
    this.#cipher = cipher;
    // One row by primary key each; list reads the neighbouring rows of one folder.
    this.#get = db.prepare("SELECT sealed FROM record WHERE folder = ? AND name = ?");
    this.#list = db.prepare("SELECT name, sealed FROM record WHERE folder = ?");
    this.#put = db.prepare("INSERT OR REPLACE INTO record (folder, name, sealed) VALUES (?, ?, ?)");
    this.#delete = db.prepare("DELETE FROM record WHERE folder = ? AND name = ?");
    if (db.prepare("SELECT 1 FROM record LIMIT 1").get() === undefined) {
      this.#transact([{ id: checkId, bytes: new Uint8Array(0) }]);
    } else if (this.#read(checkId) === undefined) {
      const text = "the client database belongs to another state file; put the two that belong together side by side";
      throw new QpqError("E044_STATE_FILE", { text });
    }
  }

  async get(id: RecordId): Promise<Uint8Array | undefined> {
    return translated(() => this.#read(id));
  }

  async list(folder: string): Promise<readonly RecordEntry[]> {
    return translated(() => {
      const folderHash = this.#cipher.folderHash(folder);
      const entries: RecordEntry[] = [];
      for (const row of this.#list.iterate(folderHash)) {
        const { name, sealed } = row as { name: Uint8Array; sealed: Uint8Array };
        entries.push(this.#cipher.open(joined(folderHash, name), sealed));
      }
      return entries.sort((a, b) => (a.id < b.id ? -1 : 1));
    });
  }

  async write(batch: readonly RecordChange[]): Promise<void> {
    translated(() => this.#transact(batch));
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
    this.#cipher.wipe();
  }

  #read(id: RecordId): Uint8Array | undefined {
    const rowName = this.#cipher.rowName(id);
    const row = this.#get.get(...halves(rowName)) as { sealed: Uint8Array } | undefined;
    return row === undefined ? undefined : this.#cipher.open(rowName, row.sealed).bytes;
  }

  #transact(batch: readonly RecordChange[]): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const { id, bytes } of batch) {
        const [folder, name] = halves(this.#cipher.rowName(id));
        if (bytes === undefined) this.#delete.run(folder, name);
        else this.#put.run(folder, name, this.#cipher.seal({ id, bytes }));
      }
      this.#db.exec("COMMIT");
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** The lock is taken first, so that two openers never both make the schema. */
function prepared(db: DatabaseSync): DatabaseSync {
  // EXCLUSIVE: the first access takes the file's lock and keeps it; the operating system ends it with the process.
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("PRAGMA secure_delete = ON");
  db.exec("BEGIN IMMEDIATE");
  const { user_version: found } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found > schemaVersion) throw new QpqError("E037_STORE_SCHEMA", { fields: { found, known: schemaVersion } });
  if (found === 0) {
    db.exec(
      "CREATE TABLE record (folder BLOB NOT NULL, name BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (folder, name)) WITHOUT ROWID",
    );
    db.exec(`PRAGMA user_version = ${schemaVersion}`);
  }
  db.exec("COMMIT");
  return db;
}

/** SQLite would make the file readable for everyone; the WAL takes over its mode. */
function requireOwnFile(file: string): void {
  try {
    closeSync(openSync(file, "ax", ownerOnly));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const { mode } = statSync(file);
  if (posix && (mode & othersMask) !== 0) {
    const fields = { mode: (mode & 0o777).toString(8).padStart(4, "0") };
    throw new QpqError("E044_STATE_FILE", { fields, text: "other users can use the client database; chmod it to 600" });
  }
}

function halves(rowName: Uint8Array): [folder: Uint8Array, name: Uint8Array] {
  return [rowName.subarray(0, rowName.length / 2), rowName.subarray(rowName.length / 2)];
}

function joined(folderHash: Uint8Array, name: Uint8Array): Uint8Array {
  const rowName = new Uint8Array(folderHash.length + name.length);
  rowName.set(folderHash, 0);
  rowName.set(name, folderHash.length);
  return rowName;
}

/** SQLite's primary result codes that a caller treats differently (sqlite.org/rescode.html). */
const codeOf: Readonly<Record<number, ErrorCode>> = {
  5: "E036_STORE_LOCKED",
  6: "E036_STORE_LOCKED",
  13: "E035_STORE_FULL",
};

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof QpqError || !("code" in error)) throw error;
    const primary = "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : 0;
    const known = codeOf[primary];
    if (known !== undefined) throw new QpqError(known, { cause: error });
    const text = `the client database cannot be used: ${error.message}`;
    throw new QpqError("E044_STATE_FILE", { text, cause: error });
  }
}
