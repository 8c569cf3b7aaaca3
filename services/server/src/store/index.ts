/** The stores a server can be made from. */
export { createMemoryStore, type MemoryStoreOptions } from "./memory.ts";
export * from "./port.ts";
export { openSqliteStore, type SqliteStoreOptions, sqliteDefaults } from "./sqlite/open.ts";
