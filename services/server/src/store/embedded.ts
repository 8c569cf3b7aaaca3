/**
 * The embedded store, whichever way it keeps its messages: in tables of qpq.db, or in a log beside it (folder messages/).
 * A store that has a log keeps it: who turned it on once need not say so again, and cannot turn it off.
 */
import { hasLogFolder } from "./log/folder.ts";
import { type LogStoreOptions, openLogStore } from "./log/open.ts";
import type { Store } from "./port.ts";
import { openSqliteStore } from "./sqlite/open.ts";

export type EmbeddedStoreOptions = LogStoreOptions & {
  /** Messages go into a log; those that stand in tables are taken over at the opening. */
  readonly messageLog?: boolean;
};

/** Throws E036_STORE_LOCKED, E037_STORE_SCHEMA, E038_STORE_DAMAGED, E035_STORE_FULL or E020_STORE_UNAVAILABLE. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  if (options.messageLog === true || hasLogFolder(options.file)) return await openLogStore(options);
  return await openSqliteStore(options);
}
