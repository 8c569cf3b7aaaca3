/**
 * One front-end over one store: it listens, serves the calls of its connections, and drains when it is told to.
 *
 *     transport -> RPC session -> calls (method table) -> domains -> store
 *
 * A server of one process has one, with the store in the same process; else each worker process has one, and they share
 * the port.
 */
import { alpnNode, QpqError } from "quicproquo-proto";
import { type ByteStream, type Connection, closeCodes } from "quicproquo-transport";
import {
  type CertificatePair,
  type HostPort,
  listenQuic,
  type OnStray,
  type QuicListener,
  type Routing,
} from "quicproquo-transport/quic";
import { listenWebSocket, type WebSocketListener, type WebSocketListenOptions } from "quicproquo-transport/websocket";
import { AccessTokens } from "./access/access-tokens.ts";
import { auditedAccounts, auditedObserver } from "./calls/audited.ts";
import { InFlight } from "./calls/in-flight.ts";
import { Origin } from "./calls/origin.ts";
import type { CallParts } from "./calls/scope.ts";
import { serveSession, type SessionSettings } from "./calls/serve-session.ts";
import type { Certificate } from "./certificate.ts";
import type { ServerConfig } from "./config.ts";
import { createDomains } from "./domains.ts";
import { handshakeOf } from "./handshake.ts";
import { LiveLimits } from "./live-settings.ts";
import { AuditLog } from "./observe/audit.ts";
import { auditIds } from "./observe/audit-id.ts";
import type { Log } from "./observe/log.ts";
import type { StoreParts } from "./observe/observer.ts";
import {
  createPrometheusObserver,
  harmless,
  noMetrics,
  type PrometheusObserver,
  type Sources,
} from "./observe/prometheus.ts";
import { observeStore } from "./observed-store.ts";
import { diskRoomOf } from "./ops/disk.ts";
import { OpenSessions } from "./ops/open-sessions.ts";
import { StoreWatch } from "./ops/store-watch.ts";
import type { Secrets } from "./secrets.ts";
import type { Clock, Store } from "./store/port.ts";
import { TransportKeys } from "./transport-keys.ts";

/** What of a certificate the listeners need, and the metrics. */
export type ShownCertificate = CertificatePair & Pick<Certificate, "expiresAtMs">;

export type FrontEndParts = {
  readonly config: ServerConfig;
  readonly secrets: Secrets;
  readonly certificate: ShownCertificate;
  readonly log: Log;
  readonly clock: Clock;
  readonly store: Store;
  /** Of that store, where it is made of several. */
  readonly storeParts?: (() => StoreParts) | undefined;
  /** What every connection id says of where it belongs. */
  readonly routing?: Routing;
  /** Set when other workers listen on the same ports. */
  readonly siblings?: FrontEndSiblings;
};

type FrontEndSiblings = { readonly onStray: OnStray; readonly stats: () => Readonly<Record<string, number>> };

export type FrontEnd = {
  readonly host: string;
  readonly port: number;
  /** TCP; undefined when it is off. */
  readonly websocketPort: number | undefined;
  readonly observer: PrometheusObserver;
  /** Takes a datagram that came to a sibling. */
  inject(datagram: Uint8Array, from: HostPort): void;
  /** For handshakes that begin from now on. E046_CONFIG: then nothing has changed. */
  setCertificate(certificate: ShownCertificate): void;
  /** From now on; of those that a session or a subscription has from its start, the next one's. */
  setLimits(limits: ServerConfig["limits"]): void;
  /** Rejects while the store does not answer, and from the drain on. */
  ready(): Promise<void>;
  /** Answers parked calls, tells every client to go elsewhere, finishes what was accepted, frees the port. Not the store. */
  close(): Promise<void>;
};

const shuttingDown = "server is shutting down";
/** What a client that comes costs another front-end, of its CPU (docs/capacity.md), and as much again for its others. */
const msPerArrival = 2;

/** E047_PORT_IN_USE, E046_CONFIG. Nothing is left open when it rejects. */
export async function startFrontEnd(given: FrontEndParts): Promise<FrontEnd> {
  const { config, secrets, log, clock, routing, siblings } = given;
  let { certificate } = given;
  const storeParts = given.storeParts ?? ((): StoreParts => ({}));
  const sessions = new OpenSessions();
  const sources: Sources = {
    transport: () => ({
      ...quic.stats(),
      ...prefixed("websocket", websocket?.stats() ?? {}),
      ...siblings?.stats(),
    }),
    queueDepth: () => observed.queueDepth(),
    waiters: () => domains.waiters.size,
    subscriptions: () => domains.subscriptions.size,
    rpcSessions: () => sessions.size,
    found: () => domains.found,
    storeParts,
    certificateExpiresAtMs: () => certificate.expiresAtMs,
    disk: () => diskRoomOf(config.dataDir),
    traceSpans: () => tracing?.spans ?? { sent: 0, failed: 0 },
  };
  const observer = harmless(config.metrics === "on" ? createPrometheusObserver(sources) : noMetrics, log);
  const tracing = config.tracing && (await import("./observe/otel.ts")).createTracing(config.tracing);
  const observed = observeStore(given.store, observer, tracing);
  const { store } = observed;
  const limits = new LiveLimits(config.limits);
  const domains = createDomains(store, { ...config, limits: limits.values, opaqueSetup: secrets.opaqueSetup }, clock);
  await using started = new AsyncDisposableStack();
  const audit = started.use(new AuditLog(config, log, siblings && String(routing?.workerId)));
  const accounts = auditedAccounts(domains.accounts, audit, auditIds(secrets.opaqueSetup));
  const inFlight = new InFlight();
  const parts: CallParts = {
    domains: { ...domains, accounts },
    access: new AccessTokens(secrets.token, domains),
    observer: auditedObserver(observer, audit),
    tracing,
    log,
    inFlight,
    clock,
  };

  const { callsInFlightMax } = config;
  const serveStream = (
    stream: ByteStream,
    { origin, handshake }: Pick<SessionSettings, "origin" | "handshake">,
  ): void => {
    const { pushBytesMax } = limits.values;
    const { session } = serveSession(parts, stream, { origin, handshake, callsInFlightMax, pushBytesMax });
    sessions.add(session, stream);
  };
  const onConnection = (connection: Connection): void => {
    const handshake = handshakeOf(connection);
    const origin = new Origin(connection);
    connection.onStream = (stream) => serveStream(stream, { origin, handshake });
  };
  const keys = new TransportKeys(secrets.transportSecret, clock);
  const { ticketKey, retryKey, resetKey } = keys;
  const shared = {
    certificate: certificate.certificate,
    privateKey: certificate.privateKey,
    host: config.host,
    ticketKey,
    reusePort: siblings !== undefined,
    onConnection,
  };
  const quic = await listenQuic({
    ...shared,
    port: config.port,
    alpn: [alpnNode],
    limits: config.quic,
    retryKey,
    resetKey,
    earlyData: true,
    ...(routing !== undefined && { routing }),
    ...(siblings !== undefined && { onStray: siblings.onStray }),
  });
  started.defer(() => quic.close(closeCodes.shuttingDown, shuttingDown));
  const listeners: (QuicListener | WebSocketListener)[] = [quic];
  let websocket: WebSocketListener | undefined;
  if (config.websocket === "on") {
    const options = { ...shared, limits: config.websocketLimits, allowedOrigins: config.allowedOrigins };
    websocket = await listenBeside(quic.port, config, options);
    listeners.push(websocket);
  }
  const stopRotation = keys.rotate(listeners);
  const storeWatch = new StoreWatch(storeParts, log);
  domains.sweep?.start();
  let isDraining = false;
  started.move();
  return {
    host: quic.host,
    port: quic.port,
    websocketPort: websocket?.port,
    observer,
    inject: (datagram, from) => quic.inject(datagram, from),
    setCertificate(next) {
      try {
        for (const listener of listeners) listener.setCertificate(next);
      } catch (error) {
        for (const listener of listeners) listener.setCertificate(certificate);
        throw error;
      }
      certificate = next;
    },
    setLimits: (next) => limits.set(next),
    async ready() {
      if (isDraining) throw new QpqError("E033_SHUTTING_DOWN");
      // known, so that a probe need not wait for it
      if (storeParts().postgres?.isUp === false) throw new QpqError("E020_STORE_UNAVAILABLE");
      await store.health();
    },
    async close() {
      isDraining = true;
      observer.setDraining(true);
      stopRotation();
      storeWatch[Symbol.dispose]();
      for (const listener of listeners) listener.refuseNew();
      domains.waiters.drain();
      domains.sweep?.stop();
      const spreadMs = Math.min(sessions.size * msPerArrival, config.drainMs / 4);
      await within(config.drainMs, async () => {
        await domains.subscriptions.drain(spreadMs);
        // who calls without a pause is never idle: what is cut off is called again elsewhere
        await within(config.drainMs / 4, () => inFlight.idle());
        await sessions.end(spreadMs);
      });
      await Promise.all(listeners.map((listener) => listener.close(closeCodes.shuttingDown, shuttingDown)));
      await tracing?.close();
      audit[Symbol.dispose]();
    },
  };
}

/** On the TCP port of QUIC's number unless another is set. Where any port would do, so does another one for TCP. */
async function listenBeside(
  quicPort: number,
  { port, websocketPort }: ServerConfig,
  options: Omit<WebSocketListenOptions, "port">,
): Promise<WebSocketListener> {
  if (websocketPort !== 0) return await listenWebSocket({ ...options, port: websocketPort });
  try {
    return await listenWebSocket({ ...options, port: quicPort });
  } catch (error) {
    const isTaken = error instanceof QpqError && error.code === "E047_PORT_IN_USE";
    if (!isTaken || port !== 0) throw error;
    return await listenWebSocket({ ...options, port: 0 });
  }
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix}_${name}`, count]));
}

/** Waits for the work, at most so long. */
async function within(ms: number, work: () => Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work(), late.promise]);
  clearTimeout(timer);
}
