/**
 * One front-end over one store: it listens, serves the calls of its connections, and drains when it is told to.
 *
 *     transport -> RPC session -> calls (method table) -> domains -> store
 *
 * A server of one process has one, with the store in the same process; else each worker process has one, and they share
 * the port.
 */
import { hkdfSync } from "node:crypto";
import { alpnNode, errorCodeOf, labels, QpqError } from "quicproquo-proto";
import { RpcSession } from "quicproquo-rpc";
import { type ByteStream, type Connection, closeCodes } from "quicproquo-transport";
import { listenQuic, type QuicListener } from "quicproquo-transport/quic";
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
import { createPrometheusObserver, type PrometheusObserver } from "./observe/prometheus.ts";
import { OpenSessions } from "./ops/open-sessions.ts";
import type { Clock, Store } from "./store/port.ts";

export type FrontEndParts = {
  readonly config: ServerConfig;
  readonly token: string;
  /** Keys of session tickets, Retry tokens and stateless resets are derived from it: the same on every start. */
  readonly transportSecret: string;
  readonly certificate: Pick<Certificate, "certificateDer" | "privateKeyDer">;
  readonly log: Log;
  readonly clock: Clock;
  readonly store: Store;
};

export type FrontEnd = {
  readonly host: string;
  readonly port: number;
  readonly observer: PrometheusObserver;
  /** Rejects while the store does not answer, and from the drain on. */
  ready(): Promise<void>;
  /** Answers parked calls, tells every client to go elsewhere, finishes what was accepted, frees the port. Not the store. */
  close(): Promise<void>;
};

/** E047_PORT_IN_USE, E046_CONFIG. Nothing is left open when it rejects. */
export async function startFrontEnd(given: FrontEndParts): Promise<FrontEnd> {
  const { config, token, transportSecret, certificate, log, clock, store } = given;
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
  const listener: QuicListener = await listenQuic({
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
  let isDraining = false;
  return {
    host: listener.host,
    port: listener.port,
    observer,
    ready: () => (isDraining ? Promise.reject(new QpqError("E033_SHUTTING_DOWN")) : store.health()),
    async close() {
      isDraining = true;
      observer.setDraining(true);
      listener.refuseNew();
      domains.waiters.drain();
      domains.subscriptions.drain();
      await within(config.drainMs, async () => {
        await inFlight.idle();
        await sessions.end();
      });
      await listener.close(closeCodes.shuttingDown, "server is shutting down");
    },
  };
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
  return (inbox, upTo, storeEpoch) => {
    store.log.ack(inbox, upTo, storeEpoch).catch((error: unknown) => {
      observer.backgroundFailed("lease-removal", errorCodeOf(error));
    });
  };
}
