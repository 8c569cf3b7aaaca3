/**
 * Dials a QUIC server: a socket of its own for each connection, so the kernel drops strangers' datagrams, tells at once
 * when nothing listens there, and hands everything that comes, stateless resets too, to the one connection.
 */
import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { QpqError } from "quicproquo-proto";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { Connection, ConnectionClosed } from "../port.ts";
import { type Certificate, clientConfig } from "./config.ts";
import { type ConnectionOwner, QuicConnection } from "./connection.ts";
import { mintConnectionId } from "./connection-id.ts";
import { Endpoint } from "./endpoint.ts";
import { type HostPort, type NativeConfig, quiche } from "./native.ts";
import { type QuicLimits, resolveQuicLimits } from "./quic-limits.ts";

export type DialOptions = {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** The DNS name that the server's certificate must carry; not an address (the binding cannot check one). */
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** The one certificate that is trusted: the server's own, or the one that signed it. DER or PEM. */
  readonly trust: { readonly caCertificate: Certificate };
  readonly limits?: Partial<QuicLimits>;
  /** Told of what a callback threw. Default: a process warning. */
  readonly onFault?: OnFault;
  readonly signal?: AbortSignal;
};

/** localhost has two; a host with more is tried no further. */
const addressesMax = 4;

/**
 * Resolves when the handshake is done and the server's certificate was checked; the first callback comes at least one
 * turn later. Rejects with E041_CERTIFICATE (not trusted, wrong name, not valid now: the texts differ), or
 * E040_CONNECT_FAILED (nothing listens, no answer in time, other protocol, refused, aborted).
 */
export async function dialQuic(options: DialOptions): Promise<Connection> {
  const limits = resolveQuicLimits(options.limits);
  if (isIP(options.serverName) !== 0 || options.serverName === "") {
    throw new QpqError("E041_CERTIFICATE", { text: "the server name must be a DNS name, not an address" });
  }
  const config = clientConfig({ caCertificate: options.trust.caCertificate, alpn: options.alpn, limits });
  let refused = new QpqError("E040_CONNECT_FAILED", { text: "the server's name has no address" });
  for (const host of await addressesOf(options)) {
    try {
      return await new Dialling({ ...options, host }, limits).connect(config);
    } catch (error) {
      // A host with two addresses may listen on one: only that is worth another try.
      if (!(error instanceof NothingListens)) throw error;
      refused = error.told;
    }
  }
  throw refused;
}

async function addressesOf(options: DialOptions): Promise<readonly string[]> {
  throwIfAborted(options.signal);
  try {
    const found = await lookup(options.host, { all: true });
    return found.slice(0, addressesMax).map(({ address }) => address);
  } catch (cause) {
    throw new QpqError("E040_CONNECT_FAILED", { text: "the server's name cannot be resolved", cause });
  }
}

class NothingListens extends Error {
  readonly told: QpqError;
  constructor(cause: unknown) {
    super("nothing listens");
    this.told = new QpqError("E040_CONNECT_FAILED", { text: "nothing listens at this address", cause });
  }
}

/** One attempt at one address. */
class Dialling implements ConnectionOwner {
  readonly #options: DialOptions;
  readonly #limits: QuicLimits;
  readonly #report: OnFault;
  readonly #settled = Promise.withResolvers<Connection>();
  readonly #onAbort = (): void => this.#connection?.abandon("the dial was aborted", this.#options.signal?.reason);
  #endpoint: Endpoint | undefined;
  #connection: QuicConnection | undefined;

  constructor(options: DialOptions, limits: QuicLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#report = faultReporter(options.onFault);
  }

  async connect(config: NativeConfig): Promise<Connection> {
    const { host, port, signal } = this.#options;
    const peer = { host, port };
    const endpoint = await this.#open(peer);
    this.#endpoint = endpoint;
    try {
      throwIfAborted(signal);
      const connection = this.#start(endpoint, { config, peer });
      this.#connection = connection;
      endpoint.onDatagram = (datagram, from) => connection.receive(datagram, from);
      endpoint.onError = (error) => this.#onSocketError(error);
      signal?.addEventListener("abort", this.#onAbort, { once: true });
      connection.mark();
    } catch (error) {
      await endpoint.close();
      throw error;
    }
    return await this.#settled.promise;
  }

  ready(connection: QuicConnection): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#settled.resolve(connection);
  }

  established(): void {}

  closed(_connection: QuicConnection, closed: ConnectionClosed): void {
    // Changes nothing when the handshake was done: the promise is settled then.
    this.#settled.reject(closed.error ?? new QpqError("E040_CONNECT_FAILED"));
  }

  disposed(): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    void this.#endpoint?.close(); // never rejects; nobody waits for the port
  }

  fault(error: unknown): void {
    this.#report(error);
  }

  async #open(peer: HostPort): Promise<Endpoint> {
    const host = isIPv6(peer.host) ? "::" : "0.0.0.0";
    const { socketBufferBytes } = this.#limits;
    try {
      return await Endpoint.open({ host, port: 0, socketBufferBytes, connectTo: peer });
    } catch (cause) {
      throw new NothingListens(cause); // e.g. this machine has no IPv6
    }
  }

  #start(endpoint: Endpoint, to: { readonly config: NativeConfig; readonly peer: HostPort }): QuicConnection {
    const local = endpoint.local;
    try {
      const id = mintConnectionId(undefined);
      const native = quiche.Connection.connect(this.#options.serverName, id, local, to.peer, to.config);
      return new QuicConnection({
        native,
        role: "client",
        endpoint,
        limits: this.#limits,
        local,
        peer: to.peer,
        owner: this,
        bytesIn: 0,
      });
    } catch (cause) {
      throw new QpqError("E040_CONNECT_FAILED", { text: "the address cannot be used", cause });
    }
  }

  /** ICMP "port unreachable". Once connected it may be forged, so then only the peer and the idle timeout count. */
  #onSocketError(error: Error): void {
    if (this.#connection === undefined || this.#connection.established) return;
    const code = "code" in error ? error.code : undefined;
    if (code === "ECONNREFUSED") this.#settled.reject(new NothingListens(error));
    this.#connection.abandon("the network refused the connection", error);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new QpqError("E040_CONNECT_FAILED", { text: "the dial was aborted", cause: signal.reason });
}
