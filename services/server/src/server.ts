/** A server of one process: the store it owns, one front-end over it, and the pages for operators. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openConfiguredStore } from "./configured-store.ts";
import { type FrontEndParts, type ShownCertificate, startFrontEnd } from "./front-end.ts";
import type { StoreParts } from "./observe/observer.ts";
import type { LiveSettings } from "./live-settings.ts";
import { metricsPage } from "./observe/metrics-page.ts";
import { startOpsServer } from "./ops/http.ts";
import { Sweeper } from "./ops/sweeper.ts";
import { storeSocket } from "./store-socket.ts";
import { type ServedStore, serveStore } from "./store/index.ts";
import type { Store } from "./store/port.ts";

export type ServerParts = Omit<FrontEndParts, "store" | "storeParts"> & {
  /** Default: the store that the configuration names. */
  readonly openStore?: typeof openConfiguredStore;
};

export type RunningServer = {
  readonly host: string;
  readonly port: number;
  /** TCP; undefined when it is off. */
  readonly websocketPort: number | undefined;
  readonly opsPort: number;
  /** Of the store; empty when it is in one piece. */
  parts(): Promise<StoreParts>;
  /** For handshakes that begin from now on, in every process; connections go on. E046_CONFIG: then nothing has changed. */
  setCertificate(certificate: ShownCertificate): Promise<void>;
  /** From now on, in every process; the log level not in this one, whose log is the caller's. */
  applySettings(settings: LiveSettings): Promise<void>;
  /** Answers parked calls, tells every client to go elsewhere, finishes what was accepted, frees everything. */
  close(): Promise<void>;
};

/** E047_PORT_IN_USE, E036_STORE_LOCKED, E037_STORE_SCHEMA, E046_CONFIG. Nothing is left open when it rejects. */
export async function startServer({ openStore = openConfiguredStore, ...parts }: ServerParts): Promise<RunningServer> {
  const { config, clock } = parts;
  await using started = new AsyncDisposableStack();
  const store = await openStore(config, clock, { log: parts.log });
  started.defer(() => store.close());
  if (config.cluster === undefined) {
    const served = await serveToCommands(store, parts);
    started.defer(() => served?.close());
  }
  const { serverId } = config;
  const routing = serverId && { serverId, workerId: 0 };
  const storeParts = (): StoreParts => store.parts?.() ?? {};
  const frontEnd = await startFrontEnd({ ...parts, store, storeParts, ...(routing && { routing }) });
  const sweeper = new Sweeper(store.log, frontEnd.observer);
  started.defer(() => sweeper.stop());
  started.defer(() => frontEnd.close());
  let isDraining = false;
  const ops = await startOpsServer(
    { host: config.opsHost, port: config.opsPort },
    {
      ready: () => frontEnd.ready(),
      isDraining: () => isDraining,
      parts: async () => storeParts(),
      ...(config.metrics === "on" && {
        metrics: async (accept) => await metricsPage(await frontEnd.observer.snapshot(), accept),
      }),
    },
  );
  started.defer(() => ops.close());
  const owned = started.move();
  return {
    host: frontEnd.host,
    port: frontEnd.port,
    websocketPort: frontEnd.websocketPort,
    opsPort: ops.port,
    parts: async () => storeParts(),
    setCertificate: async (certificate) => frontEnd.setCertificate(certificate),
    applySettings: async ({ limits }) => frontEnd.setLimits(limits),
    async close() {
      isDraining = true;
      // the pages stay: they say that it drains
      await frontEnd.close();
      await owned.disposeAsync();
    },
  };
}

/** For `qpq-server users` while this server owns the file. Without it all else works. */
async function serveToCommands(
  store: Store,
  { config, log }: Pick<ServerParts, "config" | "log">,
): Promise<ServedStore | undefined> {
  try {
    mkdirSync(join(config.dataDir, "run"), { recursive: true, mode: 0o700 });
    return await serveStore(store, storeSocket(config.dataDir));
  } catch (error) {
    log.error({ event: "store_socket_failed", error });
    return undefined;
  }
}
