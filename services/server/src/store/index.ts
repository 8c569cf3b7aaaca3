/** The stores a server can be made from. */
export { type ClusterStore, type ClusterStoreOptions, openClusterStore } from "./cluster.ts";
export { type ConnectOptions, connectStore } from "./ipc/connect.ts";
export { type ServedStore, serveStore } from "./ipc/serve.ts";
export { createMemoryStore, type MemoryStoreOptions } from "./memory.ts";
export * from "./port.ts";
export { parseDatabaseUrl } from "./postgres/address.ts";
export {
  type DatabaseOptions,
  inspectDatabase,
  migratePostgres,
  openPostgresStore,
  type PostgresStore,
  type PostgresStoreOptions,
  raiseStoreEpoch,
} from "./postgres/open.ts";
export { inspectRedis } from "./redis/inspect.ts";
export { adoptStoreFile, copyStoreFile } from "./sqlite/copy.ts";
export { inspectStoreFile } from "./sqlite/inspect.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./sqlite/open.ts";
export type { StoreNotice } from "./sqlite/protocol.ts";
export { type EmbeddedStoreOptions, openEmbeddedStore } from "./embedded.ts";
export { copyMessageLog, examineMessageLog, isLogFileName } from "./log/copy.ts";
export { type LogStoreOptions, openLogStore } from "./log/open.ts";
