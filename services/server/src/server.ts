/**
 * The composition root: the only place where adapters are made and handed to the domains.
 *
 *     transport -> RPC session -> calls (method table) -> domains -> store
 */
import { hkdfSync } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { alpnNode, errorCodeOf, labels, QpqError } from "quicproquo-proto";
import { RpcSession } from "quicproquo-rpc";
import { type ByteStream, type Connection, closeCodes, type Listener } from "quicproquo-transport";
import { listenQuic } from "quicproquo-transport/quic";
import { StaticToken } from "./access/static-token.ts";
import { EarlyDataGate, handshakeDone } from "./calls/early-data.ts";
import { InFlight } from "./calls/in-flight.ts";
import { exceptionOf } from "./calls/interface-server.ts";
import { nodeService } from "./calls/node-service.ts";
import type { CallParts } from "./calls/scope.ts";
import type { Certificate } from "./certificate.ts";
import type { ServerConfig } from "./config.ts";
import { LeaseBook } from "./delivery/lease-book.ts";
import { PushBudget } from "./delivery/push-budget.ts";
import { createDomains } from "./domains.ts";
import type { Log } from "./observe/log.ts";
import type { Observer } from "./observe/observer.ts";
import { createPrometheusObserver } from "./observe/prometheus.ts";
import { startOpsServer } from "./ops/http.ts";
import { OpenSessions } from "./ops/open-sessions.ts";
import { Sweeper } from "./ops/sweeper.ts";
import { openSqliteStore } from "./store/index.ts";
import type { Clock, Store } from "./store/port.ts";

export type ServerParts = {
  readonly config: ServerConfig;
  readonly token: string;
  /** Keys of session tickets, Retry tokens and stateless resets are derived from it: the same on every start. */
  readonly transportSecret: string;
  readonly certificate: Certificate;
  readonly log: Log;
  readonly clock: Clock;
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
export async function startServer({ openStore = openConfiguredStore, ...given }: ServerParts): Promise<RunningServer> {
  const { config, token, transportSecret, certificate, log, clock } = given;
  await using started = new AsyncDisposableStack();
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const store = await openStore(config, clock);
  started.defer(() => store.close());

  const domains = createDomains(store, config, clock);
  const sessions = new OpenSessions();
  const observer = createPrometheusObserver({
    transport: () => listener.stats(),
    waiters: () => domains.waiters.size,
    subscriptions: () => domains.subscriptions.size,
    rpcSessions: () => sessions.size,
  });
  const inFlight = new InFlight();
  const parts: CallParts = { domains, access: new StaticToken(token), observer, log, inFlight, clock };
  const sweeper = new Sweeper(store.log, observer);
  started.defer(() => sweeper.stop());

  const serveStream = (stream: ByteStream): void => {
    const scope = {
      leases: new LeaseBook(removeWith(store, observer)),
      pushBudget: new PushBudget(config.limits.pushBytesMax),
      earlyData: new EarlyDataGate(handshakeDone),
      abandon: () => session.close(),
    };
    const session = new RpcSession(stream, {
      bootstrap: nodeService(parts, scope),
      limits: { callsInFlightMax: config.callsInFlightMax },
      errorToException: exceptionOf,
    });
    sessions.add(session, stream);
  };
  const listener: Listener = await listenQuic({
    host: config.host,
    port: config.port,
    certificate: certificate.certificateDer,
    privateKey: certificate.privateKeyDer,
    alpn: [alpnNode],
    limits: config.quic,
    ...transportKeys(transportSecret),
    onConnection: (connection: Connection) => {
      connection.onStream = serveStream;
    },
  });
  started.defer(() => listener.close(closeCodes.shuttingDown, "server is shutting down"));
  let draining = false;
  const ops = await startOpsServer(
    { host: config.opsHost, port: config.opsPort },
    {
      ready: () => (draining ? Promise.reject(new QpqError("E033_SHUTTING_DOWN")) : store.health()),
      metrics: observer,
    },
  );
  started.defer(() => ops.close());

  const owned = started.move();
  return {
    host: listener.host,
    port: listener.port,
    opsPort: ops.port,
    async close() {
      draining = true;
      observer.setDraining(true);
      listener.refuseNew();
      domains.waiters.drain();
      domains.subscriptions.drain();
      await within(config.drainMs, async () => {
        await inFlight.idle();
        await sessions.end();
      });
      await owned.disposeAsync();
    },
  };
}

export function openConfiguredStore(config: ServerConfig, clock: Clock): Promise<Store> {
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

/** RFC 5869; each key under a label of its own. */
function transportKeys(secret: string): { ticketKey: Uint8Array; retryKey: Uint8Array; resetKey: Uint8Array } {
  const derive = (label: string, bytes: number): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, "", label, bytes));
  return {
    ticketKey: derive(labels.ticketKey, 48),
    retryKey: derive(labels.retryKey, 32),
    resetKey: derive(labels.resetKey, 32),
  };
}

/** Waits for the work, at most so long. */
async function within(ms: number, work: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work(), late.promise]);
  clearTimeout(timer);
}

/** Removal behind a Finish has no answer: a failure is counted, and the messages are handed out again later. */
function removeWith(store: Store, observer: Observer): ConstructorParameters<typeof LeaseBook>[0] {
  return (inbox, upTo, storeEpoch) =>
    store.log.ack(inbox, upTo, storeEpoch).catch((error: unknown) => {
      observer.backgroundFailed("lease-removal", errorCodeOf(error));
    });
}
