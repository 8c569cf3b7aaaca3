/**
 * Copies of a store file: one that is consistent while its server runs, and one that takes a lost file's place.
 */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { QpqError } from "quicproquo-proto";
import { openForWriting } from "./database.ts";
import { failureOf } from "./failure.ts";

/** A checkpoint, or a server that has just died and whose log is read again. */
const busyMsMax = 10_000;
const fileBytesMax = 2 ** 40;

/**
 * All that was committed when it began, and nothing of what came later; the server goes on writing meanwhile, and its
 * write-ahead log grows until it is over. `copy` must not exist. It is not synced here.
 */
export function copyStoreFile(file: string, copy: string): void {
  closeSync(openSync(copy, "wx", 0o600));
  translated(() => {
    const db = new DatabaseSync(file, { readOnly: true, timeout: busyMsMax });
    try {
      db.prepare("VACUUM INTO ?").run(copy);
    } finally {
      db.close();
    }
  });
}

/** Makes a copy ready for its server: whole, of this version, with a higher epoch. Durable when it returns. */
export function adoptStoreFile(file: string, nowMs: number): bigint {
  return translated(() => {
    const { db, lock, storeEpoch } = openForWriting({ file, fileBytesMax, raiseStoreEpoch: true, nowMs });
    try {
      const { integrity_check: found } = db.prepare("PRAGMA integrity_check(1)").get() as { integrity_check: string };
      if (found !== "ok") throw new QpqError("E080_BACKUP", { text: "the backup's store file is damaged" });
      return storeEpoch;
    } finally {
      db.close();
      lock.close();
    }
  });
}

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof QpqError) throw error;
    const { code, detail } = failureOf(error);
    throw new QpqError(code, { cause: new Error(detail) });
  }
}
