/** A server of one process: the store it owns, one front-end over it, and the pages for operators. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ServerConfig } from "./config.ts";
import { type FrontEndParts, startFrontEnd } from "./front-end.ts";
import { startOpsServer } from "./ops/http.ts";
import { Sweeper } from "./ops/sweeper.ts";
import { openSqliteStore } from "./store/index.ts";
import type { Clock, Store } from "./store/port.ts";

export type ServerParts = Omit<FrontEndParts, "store"> & {
  /** Default: the store that the configuration names. */
  readonly openStore?: typeof openConfiguredStore;
};

export type RunningServer = {
  readonly host: string;
  readonly port: number;
  readonly opsPort: number;
  /** Answers parked calls, tells every client to go elsewhere, finishes what was accepted, frees everything. */
  close(): Promise<void>;
};

/** E047_PORT_IN_USE, E036_STORE_LOCKED, E037_STORE_SCHEMA, E046_CONFIG. Nothing is left open when it rejects. */
export async function startServer({ openStore = openConfiguredStore, ...parts }: ServerParts): Promise<RunningServer> {
  const { config, clock } = parts;
  await using started = new AsyncDisposableStack();
  const store = await openStore(config, clock);
  started.defer(() => store.close());
  const frontEnd = await startFrontEnd({ ...parts, store });
  const sweeper = new Sweeper(store.log, frontEnd.observer);
  started.defer(() => sweeper.stop());
  started.defer(() => frontEnd.close());
  const ops = await startOpsServer(
    { host: config.opsHost, port: config.opsPort },
    { ready: () => frontEnd.ready(), metrics: frontEnd.observer },
  );
  started.defer(() => ops.close());
  const owned = started.move();
  return {
    host: frontEnd.host,
    port: frontEnd.port,
    opsPort: ops.port,
    async close() {
      // the pages stay: they say that it drains
      await frontEnd.close();
      await owned.disposeAsync();
    },
  };
}

export function openConfiguredStore(config: ServerConfig, clock: Clock): Promise<Store> {
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
  });
}
