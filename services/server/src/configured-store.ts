/** Opens the store that the configuration names. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ClusterConfig, ServerConfig } from "./config.ts";
import type { StoreParts } from "./observe/observer.ts";
import { type DatabaseOptions, openPostgresStore, openSqliteStore, WakeupHub } from "./store/index.ts";
import type { Clock, Store, StoreLimits } from "./store/port.ts";

/** `parts`: the servers that it is made of; without it, it needs none. */
export type ConfiguredStore = Store & { readonly parts?: () => StoreParts };

/**
 * `onLost`: see SqliteStoreOptions. The cluster's opens also while its database cannot be reached; E046_CONFIG and
 * E037_STORE_SCHEMA when it can, and must not be used.
 */
export async function openConfiguredStore(
  config: ServerConfig,
  clock: Clock,
  onLost?: () => void,
): Promise<ConfiguredStore> {
  const limits: StoreLimits = {
    queueDepthMax: config.limits.queueDepthMax,
    dedupeWindowMs: config.limits.dedupeWindowSecs * 1_000,
    groupLifeMs: config.limits.groupLifeSecs * 1_000,
    appendsInFlightMax: config.appendsInFlightMax,
  };
  const listenersMax = config.waitersMax + config.subscriptionsMax;
  if (config.cluster !== undefined) return await openCluster(config.cluster, { limits, clock, listenersMax });
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  return await openSqliteStore({
    file: join(config.dataDir, "qpq.db"),
    limits,
    clock,
    ...(onLost && { onLost }),
    listenersMax: config.processes.workers * listenersMax,
  });
}

type OpenOptions = { readonly limits: StoreLimits; readonly clock: Clock; readonly listenersMax: number };

async function openCluster(
  config: ClusterConfig,
  { limits, clock, listenersMax }: OpenOptions,
): Promise<ConfiguredStore> {
  const wakeups = new WakeupHub(listenersMax);
  const store = await openPostgresStore({ ...databaseOf(config), limits, clock, wakeups });
  return { ...store, parts: () => ({ postgres: store.stats().connections > 0 }) };
}

/** What the database's adapter is opened with. */
export function databaseOf({ databaseUrl: url, databasePassword }: ClusterConfig): DatabaseOptions {
  return { url, ...(databasePassword !== undefined && { password: async () => databasePassword }) };
}
