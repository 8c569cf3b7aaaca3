/**
 * Dials a QUIC server: a socket of its own for each connection, so the kernel drops strangers' datagrams, tells at once
 * when nothing listens there, and hands everything that comes, stateless resets too, to the one connection.
 */
import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { QpqError } from "quicproquo-proto";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { Connection, ConnectionClosed } from "../port.ts";
import { checkTrust, isPinned, type Trust } from "../trust.ts";
import { clientConfig } from "./config.ts";
import { type ConnectionOwner, QuicConnection } from "./connection.ts";
import { mintConnectionId } from "./connection-id.ts";
import { Endpoint } from "./endpoint.ts";
import { type HostPort, type NativeConfig, type NativeConnection, quiche } from "./native.ts";
import { type QuicLimits, resolveQuicLimits } from "./quic-limits.ts";
import { type CheckedAgainst, openSession, sealSession } from "./session-state.ts";

export type DialOptions = {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** The DNS name that the server's certificate must carry (but see Trust); not an address, which cannot be checked. */
  readonly serverName: string;
  readonly alpn: readonly string[];
  readonly trust: Trust;
  /**
   * What onSession gave on an earlier connection: saves a round of the certificate's proof. One that cannot be used
   * (another trust, server name or ALPN, another ticket key, too old, damaged) costs nothing: the handshake is a full one.
   */
  readonly session?: Uint8Array;
  /** Told of each session the server gives, to be kept in place of the one before; it is a secret. */
  readonly onSession?: (session: Uint8Array) => void;
  /**
   * With a session that allows it the dial resolves before the handshake, with a connection that is inEarlyData: what is
   * written then goes out with the first datagrams. Anyone can send those again, so only what may run twice belongs
   * there; hold back the rest until onEstablished. A server that does not take it gets it again behind the handshake, by
   * itself and once. Errors that would have rejected the dial come by onClose; after E040_CONNECT_FAILED dial without
   * the session. Only at the last of the host's addresses: another one is tried only while nothing was handed over.
   * Default false.
   */
  readonly earlyData?: boolean;
  readonly limits?: Partial<QuicLimits>;
  /** Told of what a callback threw. Default: a process warning. */
  readonly onFault?: OnFault;
  readonly signal?: AbortSignal;
};

/** localhost has two; a host with more is tried no further. */
const addressesMax = 4;

/**
 * Resolves when the handshake is done and the server's certificate was checked (before that only with `earlyData`); the
 * first callback comes at least one turn later. Rejects with E041_CERTIFICATE (not trusted, wrong name, not valid now: the texts differ), or
 * E040_CONNECT_FAILED (nothing listens, no answer in time, other protocol, refused, aborted).
 */
export async function dialQuic(options: DialOptions): Promise<Connection> {
  const limits = resolveQuicLimits(options.limits);
  if (isIP(options.serverName) !== 0 || options.serverName === "") {
    throw new QpqError("E041_CERTIFICATE", { text: "the server name must be a DNS name, not an address" });
  }
  checkTrust(options.trust);
  let refused = new QpqError("E040_CONNECT_FAILED", { text: "the server's name has no address" });
  const hosts = await addressesOf(options);
  for (const host of hosts) {
    const earlyData = options.earlyData === true && host === hosts.at(-1);
    const config = clientConfig({ trust: options.trust, alpn: options.alpn, limits, earlyData });
    try {
      return await new Dialling({ ...options, host, earlyData }, limits).connect(config);
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
  readonly #checkedAgainst: CheckedAgainst;
  readonly #settled = Promise.withResolvers<Connection>();
  readonly #onAbort = (): void => this.#connection?.abandon("the dial was aborted", this.#options.signal?.reason);
  #endpoint: Endpoint | undefined;
  #connection: QuicConnection | undefined;

  constructor(options: DialOptions, limits: QuicLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#report = faultReporter(options.onFault);
    const { trust, serverName, alpn } = options;
    this.#checkedAgainst = [...partsOf(trust), serverName, ...alpn];
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

  refusal(native: NativeConnection): QpqError | undefined {
    const { trust } = this.#options;
    if (!("pins" in trust) || isPinned(native.peerCertChain()?.[0], trust.pins)) return undefined;
    return new QpqError("E041_CERTIFICATE", { text: "the server's key is not one of the pinned ones" });
  }

  session(session: Uint8Array): void {
    try {
      this.#options.onSession?.(sealSession(this.#checkedAgainst, session));
    } catch (error) {
      this.#connection?.fault(error);
    }
  }

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
      const native = this.#begin(local, to);
      return new QuicConnection({
        native,
        role: "client",
        endpoint,
        limits: this.#limits,
        local,
        peer: to.peer,
        owner: this,
        earlyData: this.#options.earlyData === true,
        bytesIn: 0,
      });
    } catch (cause) {
      throw new QpqError("E040_CONNECT_FAILED", { text: "the address cannot be used", cause });
    }
  }

  #begin(local: HostPort, to: { readonly config: NativeConfig; readonly peer: HostPort }): NativeConnection {
    const connect = (): NativeConnection =>
      quiche.Connection.connect(this.#options.serverName, mintConnectionId(undefined), local, to.peer, to.config);
    const { session = new Uint8Array() } = this.#options;
    const known = openSession(this.#checkedAgainst, session);
    const native = connect();
    if (known === undefined) return native;
    try {
      native.setSession(known);
      return native;
    } catch {
      return connect(); // the library may have taken half of it
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

function partsOf(trust: Trust): CheckedAgainst {
  if ("pins" in trust) return ["pins", ...trust.pins];
  return "caCertificate" in trust ? ["certificate", trust.caCertificate] : ["system roots"];
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new QpqError("E040_CONNECT_FAILED", { text: "the dial was aborted", cause: signal.reason });
}
