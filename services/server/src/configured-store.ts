/** Opens the store that the configuration names. */
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import type { ClusterConfig, ServerConfig } from "./config.ts";
import type { Log } from "./observe/log.ts";
import type { StoreParts } from "./observe/observer.ts";
import {
  type ClusterStore,
  type DatabaseOptions,
  openClusterStore,
  openEmbeddedStore,
  type StoreNotice,
} from "./store/index.ts";
import type { Clock, Store, StoreLimits } from "./store/port.ts";

/** Who is told of the embedded store: that it is lost, and what its opening has to say. */
export type StoreWatch = { readonly onLost?: () => void; readonly log?: Pick<Log, "info" | "warn"> };

/** `parts`: the servers that it is made of; without it, it needs none. */
export type ConfiguredStore = Store & { readonly parts?: () => StoreParts };

/**
 * `onLost`: see EmbeddedStoreOptions. The cluster's opens also while its database cannot be reached; E046_CONFIG and
 * E037_STORE_SCHEMA when it can, and must not be used.
 */
export async function openConfiguredStore(
  config: ServerConfig,
  clock: Clock,
  { onLost, log }: StoreWatch = {},
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
  return await openEmbeddedStore({
    messageLog: config.messageLog,
    file: join(config.dataDir, "qpq.db"),
    limits,
    clock,
    ...(onLost && { onLost }),
    ...(log && { onNotice: (notice) => tell(log, notice) }),
    listenersMax: config.processes.workers * listenersMax,
  });
}

function tell(log: Pick<Log, "info" | "warn">, notice: StoreNotice): void {
  switch (notice.kind) {
    case "cutOff":
      // bytes of a batch that nobody had been told of
      return log.warn({ event: "store_cut_off", count: notice.tornBytes });
    case "takingOver":
      return log.info({ event: "store_messages_moving", count: notice.taken, reason: `${notice.messages} in all` });
  }
}

/** invalid_authorization_specification, invalid_password, invalid_catalog_name: not a matter of waiting. */
const refusals = /^(?:28000|28P01|3D000): /;

type OpenOptions = { readonly limits: StoreLimits; readonly clock: Clock; readonly listenersMax: number };

async function openCluster(
  config: ClusterConfig,
  { limits, clock, listenersMax }: OpenOptions,
): Promise<ConfiguredStore> {
  const { redisUrl, redisMode, hotTail } = config;
  const store = await openClusterStore({
    postgres: { ...databaseOf(config), limits, clock },
    redis: redisUrl === undefined ? undefined : { url: redisUrl, mode: redisMode, hotTail },
    listenersMax,
  });
  const { isUp, reason } = store.database();
  if (!isUp && refusals.test(reason ?? "")) {
    await store.close();
    throw new QpqError("E046_CONFIG", {
      text: `the database refuses (${reason}); see QPQ_DATABASE_URL and QPQ_DATABASE_PASSWORD`,
    });
  }
  return { ...store, parts: () => partsOf(store) };
}

function partsOf(store: ClusterStore): StoreParts {
  const { redis, reason } = store.condition();
  const stats = store.stats();
  return {
    postgres: { ...store.database(), counts: stats.postgres },
    ...(redis !== "off" && { redis: { isUp: redis === "up", reason, counts: stats.redis } }),
  };
}

/** What the database's adapter is opened with. */
export function databaseOf(config: ClusterConfig): DatabaseOptions {
  const { databaseUrl: url, databasePassword, databasePasswordFile: file } = config;
  if (file !== undefined) return { url, password: async () => (await readFile(file, "utf8")).trim() };
  return { url, ...(databasePassword !== undefined && { password: async () => databasePassword }) };
}
