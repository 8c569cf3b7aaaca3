/** Listens for QUIC connections: makes the socket, the native Config and the acceptor, and takes them down again. */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { QpqError } from "quicproquo-proto";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { CloseCode, Listener, OnConnection } from "../port.ts";
import { Acceptor } from "./acceptor.ts";
import type { Certificate, CertificatePair } from "../trust.ts";
import { serverConfig, setTicketKey } from "./config.ts";
import { checkRouting, type Routing } from "./connection-id.ts";
import { Endpoint } from "./endpoint.ts";
import { strangersOf } from "./listener-stats.ts";
import type { HostPort, NativeConfig } from "./native.ts";
import { type QuicLimits, resolveQuicLimits } from "./quic-limits.ts";
import { canShelter, Shelter } from "./shelter.ts";
import type { OnStray } from "./strays.ts";

export type ListenOptions = {
  /** Numeric, or a name of this machine. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** PEM, or DER bytes. Chain: leaf first. */
  readonly certificate: Certificate;
  /** PKCS #8 in PEM, or DER bytes. */
  readonly privateKey: Certificate;
  readonly alpn: readonly string[];
  readonly limits?: Partial<QuicLimits>;
  /**
   * 48 bytes that all front-ends share, so that any of them resumes a session; see QuicListener.setTicketKey. Default:
   * one of the library's own.
   */
  readonly ticketKey?: Uint8Array;
  /** At least 32 bytes that all front-ends share, so that any of them takes a Retry token. Default: random. */
  readonly retryKey?: Uint8Array;
  /**
   * At least 32 bytes that outlive a restart: then clients learn of it at once. Default: random. Front-ends that do not
   * hand each other stray datagrams need a key each, or anyone gets a living connection's token from the wrong one
   * (RFC 9000 section 21.11).
   */
  readonly resetKey?: Uint8Array;
  /** Other processes may listen on the port too, all of them with this set. Then a port in use is not told. Default false. */
  readonly reusePort?: boolean;
  /** What every connection id says of where it belongs. */
  readonly routing?: Routing;
  /**
   * Told of a datagram whose connection is another worker's by its id (`routing` is needed). Workers that share a port
   * share their keys too. Default: such a datagram is answered like one of a connection that is gone.
   */
  readonly onStray?: OnStray;
  /** Accept 0-RTT data. It has no replay protection: see Connection.inEarlyData. Default false. */
  readonly earlyData?: boolean;
  readonly onConnection: OnConnection;
  /** Told of what a callback threw. Default: a process warning. */
  readonly onFault?: OnFault;
};

export interface QuicListener extends Listener {
  /**
   * Replaces the key (48 bytes) that new sessions are sealed with and offered ones opened with; E046_CONFIG for another
   * length. The library holds one key: who comes with a session of the one before makes a full handshake, and its early
   * data is taken behind that. Early data has no forward secrecy towards this key: so it changes daily, on all
   * front-ends together.
   */
  setTicketKey(key: Uint8Array): void;
  /**
   * Handshakes that begin from now on show this certificate; connections go on. E046_CONFIG for what cannot be used, or a
   * key of another certificate: then nothing has changed.
   */
  setCertificate(pair: CertificatePair): void;
  /**
   * Takes a datagram that a sibling's onStray was told of, as if it had come to this socket from its sender. Without its
   * connection here it is answered, never handed on again. Its bytes may be overwritten.
   */
  inject(datagram: Uint8Array, from: HostPort): void;
}

const keyBytesMin = 32;

/** Rejects with E047_PORT_IN_USE, or E046_CONFIG for anything that cannot be used. */
export async function listenQuic(options: ListenOptions): Promise<QuicListener> {
  const limits = resolveQuicLimits(options.limits);
  if (options.routing !== undefined) checkRouting(options.routing);
  const retryKey = keyOrRandom(options.retryKey);
  const resetKey = keyOrRandom(options.resetKey);
  const { certificate, privateKey, alpn, earlyData = false } = options;
  const makeConfig: MakeConfig = (pair, ticketKey) => serverConfig({ ...pair, alpn, limits, ticketKey, earlyData });
  const config = makeConfig({ certificate, privateKey }, options.ticketKey);
  const endpoint = await openEndpoint(options, limits);
  const onFault = faultReporter(options.onFault);
  const acceptor = new Acceptor({
    endpoint,
    config,
    limits,
    retryKey,
    resetKey,
    routing: options.routing,
    onStray: options.onStray,
    onFault,
    onReady: (connection) => {
      try {
        options.onConnection(connection);
      } catch (error) {
        connection.fault(error);
      }
    },
  });
  endpoint.onError = onFault;
  const onDatagram = (datagram: Buffer, from: HostPort): void => acceptor.route(datagram, from, false);
  endpoint.onDatagram = onDatagram;
  const { connections } = acceptor;
  const strangers = (): number => strangersOf(acceptor.counts);
  const shelter = new Shelter({ local: endpoint.local, limits, connections, strangers, onDatagram });
  return new NativeListener({ endpoint, acceptor, shelter, config, makeConfig, ticketKey: options.ticketKey });
}

/** All but the pair and the key stay as they are. */
type MakeConfig = (pair: CertificatePair, ticketKey: Uint8Array | undefined) => NativeConfig;

type ListenerParts = {
  readonly endpoint: Endpoint;
  readonly acceptor: Acceptor;
  readonly shelter: Shelter;
  readonly config: NativeConfig;
  readonly makeConfig: MakeConfig;
  readonly ticketKey: Uint8Array | undefined;
};

class NativeListener implements QuicListener {
  readonly host: string;
  readonly port: number;
  readonly #endpoint: Endpoint;
  readonly #acceptor: Acceptor;
  readonly #shelter: Shelter;
  readonly #makeConfig: MakeConfig;
  #config: NativeConfig;
  #ticketKey: Uint8Array | undefined;
  #closing: Promise<void> | undefined;

  constructor({ endpoint, acceptor, shelter, config, makeConfig, ticketKey }: ListenerParts) {
    ({ host: this.host, port: this.port } = endpoint.local);
    this.#endpoint = endpoint;
    this.#acceptor = acceptor;
    this.#shelter = shelter;
    this.#config = config;
    this.#makeConfig = makeConfig;
    this.#ticketKey = ticketKey;
  }

  stats(): Readonly<Record<string, number>> {
    return {
      connections: this.#acceptor.connections.size,
      halfOpen: this.#acceptor.halfOpenCount,
      sheltered: this.#shelter.size,
      datagramsIn: this.#endpoint.datagramsIn + this.#shelter.datagramsIn,
      datagramsOut: this.#endpoint.datagramsOut,
      ...this.#acceptor.counts,
    };
  }

  refuseNew(): void {
    this.#acceptor.refuseNew();
  }

  setTicketKey(key: Uint8Array): void {
    setTicketKey(this.#config, key);
    this.#ticketKey = key;
  }

  setCertificate(pair: CertificatePair): void {
    this.#config = this.#makeConfig(pair, this.#ticketKey);
    this.#acceptor.setConfig(this.#config);
  }

  inject(datagram: Uint8Array, from: HostPort): void {
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    this.#acceptor.counts.straysIn += 1;
    this.#acceptor.route(bytes, from, true);
  }

  close(code: CloseCode, reason: string): Promise<void> {
    this.#closing ??= this.#closeAll(code, reason);
    return this.#closing;
  }

  async #closeAll(code: CloseCode, reason: string): Promise<void> {
    this.#acceptor.refuseNew();
    for (const connection of this.#acceptor.connections) connection.close(code, reason);
    await new Promise(setImmediate); // behind the flush that close() has asked for
    for (const connection of this.#acceptor.connections) connection.abandon("the listener is closed");
    this.#shelter[Symbol.dispose]();
    await this.#endpoint.close();
  }
}

function keyOrRandom(key: Uint8Array | undefined): Uint8Array {
  if (key === undefined) return randomBytes(keyBytesMin);
  if (key.length < keyBytesMin) throw new QpqError("E046_CONFIG", { text: "a shared key has at least 32 bytes" });
  return key;
}

async function openEndpoint(options: ListenOptions, limits: QuicLimits): Promise<Endpoint> {
  const { socketBufferBytes } = limits;
  try {
    const { address } = await lookup(options.host);
    const at = { host: address, port: options.port, socketBufferBytes, connectTo: undefined };
    if (options.reusePort === true) return await Endpoint.open({ ...at, reusePort: true });
    const endpoint = await Endpoint.open(at);
    if (!canShelter || limits.shelteredMax === 0) return endpoint;
    // Now the port is known to be free. A socket that shares it could not tell: it would join another server's.
    const { port } = endpoint.local;
    await endpoint.close();
    return await Endpoint.open({ ...at, port, reusePort: true });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "EADDRINUSE") throw new QpqError("E047_PORT_IN_USE", { fields: { port: options.port }, cause });
    throw new QpqError("E046_CONFIG", { text: "cannot listen on this address", fields: { cause: code }, cause });
  }
}
