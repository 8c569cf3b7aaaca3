/** Reads what a store file says of itself, beside the server that may own it, and changes nothing. */
import { DatabaseSync } from "node:sqlite";
import { QpqError } from "quicproquo-proto";
import { checkVersion, readStoreEpoch, versionOf } from "./schema.ts";

export type StoreFileFacts = { readonly version: number; readonly storeEpoch: bigint };

/** E037_STORE_SCHEMA for a newer version's file, or another program's; E020_STORE_UNAVAILABLE for what is no database. */
export function inspectStoreFile(file: string): StoreFileFacts {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    checkVersion(db);
    return { version: versionOf(db), storeEpoch: readStoreEpoch(db) };
  } catch (error) {
    if (error instanceof QpqError) throw error;
    throw new QpqError("E020_STORE_UNAVAILABLE", {
      text: `the store file cannot be read: ${(error as Error).message}`,
    });
  } finally {
    db?.close();
  }
}
