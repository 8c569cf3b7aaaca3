/** Opens the store that the configuration names. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "./config.ts";
import { openSqliteStore } from "./store/index.ts";
import type { Clock, Store } from "./store/port.ts";

/** `onLost`: see SqliteStoreOptions. */
export function openConfiguredStore(config: ServerConfig, clock: Clock, onLost?: () => void): Promise<Store> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  return openSqliteStore({
    file: join(config.dataDir, "qpq.db"),
    limits: {
      queueDepthMax: config.limits.queueDepthMax,
      dedupeWindowMs: config.limits.dedupeWindowSecs * 1_000,
      groupLifeMs: config.limits.groupLifeSecs * 1_000,
      appendsInFlightMax: config.appendsInFlightMax,
    },
    clock,
    ...(onLost && { onLost }),
    listenersMax: config.processes.workers * (config.waitersMax + config.subscriptionsMax),
  });
}
