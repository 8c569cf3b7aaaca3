/** One attempt to dial a server at one address, and what the connection then needs of its dialler. */
import { randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";
import { QpqError } from "quicproquo-proto";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { ConnectionClosed } from "../port.ts";
import { isPinned, type Trust } from "../trust.ts";
import { QuicConnection } from "./connection.ts";
import { mintConnectionId } from "./connection-id.ts";
import type { ConnectionOwner, NewId } from "./connection-owner.ts";
import { datagramBytesTo } from "./datagram-size.ts";
import type { DialledConnection, DialOptions } from "./dial.ts";
import { Endpoint } from "./endpoint.ts";
import type { Link } from "./links.ts";
import { type HostPort, type NativeConfig, type NativeConnection, quiche } from "./native.ts";
import { NativeWeight } from "./native-weight.ts";
import type { QuicLimits } from "./quic-limits.ts";
import { type CheckedAgainst, openSession, sealSession } from "./session-state.ts";

/** What a socket says when its network is gone. */
const lostNetwork: ReadonlySet<string> = new Set([
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTUNREACH",
  "EADDRNOTAVAIL",
  "EINVAL",
]);

/** 75 KB were measured, with its socket, its Config and the library's TLS state. */
const weights = new NativeWeight(64 * 1024);

export class NothingListens extends Error {
  readonly told: QpqError;
  constructor(cause: unknown) {
    super("nothing listens");
    this.told = new QpqError("E040_CONNECT_FAILED", { text: "nothing listens at this address", cause });
  }
}

/** One attempt at one address. */
export class Dialling implements ConnectionOwner {
  readonly #options: DialOptions;
  readonly #limits: QuicLimits;
  readonly #report: OnFault;
  readonly #checkedAgainst: CheckedAgainst;
  readonly #settled = Promise.withResolvers<DialledConnection>();
  readonly #onAbort = (): void => this.#connection?.abandon("the dial was aborted", this.#options.signal?.reason);
  #connection: QuicConnection | undefined;

  constructor(options: DialOptions, limits: QuicLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#report = faultReporter(options.onFault);
    const { trust, serverName, alpn } = options;
    this.#checkedAgainst = [...partsOf(trust), serverName, ...alpn];
  }

  async connect(config: NativeConfig): Promise<DialledConnection> {
    const { signal } = this.#options;
    const link = await this.#open();
    try {
      throwIfAborted(signal);
      this.#connection = this.#start(link, config);
      this.#listen(link, this.#connection);
      signal?.addEventListener("abort", this.#onAbort, { once: true });
      this.#connection.mark();
    } catch (error) {
      await link.endpoint.close();
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

  /** The server routes by its own ids, not by a client's; and a client resets nobody. */
  newId(): NewId {
    return { id: mintConnectionId(undefined), resetToken: BigInt(`0x${randomBytes(16).toString("hex")}`) };
  }

  async openLink(): Promise<Link> {
    try {
      const link = await this.#open();
      if (this.#connection !== undefined) this.#listen(link, this.#connection);
      return link;
    } catch (cause) {
      throw new QpqError("E040_CONNECT_FAILED", { text: "no network leads to the server", cause });
    }
  }

  disposed(): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }

  fault(error: unknown): void {
    this.#report(error);
  }

  get #peer(): HostPort {
    return { host: this.#options.host, port: this.#options.port };
  }

  async #open(): Promise<Link> {
    const host = isIPv6(this.#options.host) ? "::" : "0.0.0.0";
    const { socketBufferBytes } = this.#limits;
    try {
      const endpoint = await Endpoint.open({ host, port: 0, socketBufferBytes, connectTo: this.#peer });
      return { endpoint, local: endpoint.local };
    } catch (cause) {
      throw new NothingListens(cause); // e.g. this machine has no IPv6
    }
  }

  #listen(link: Link, connection: QuicConnection): void {
    const { endpoint } = link;
    endpoint.onDatagram = (datagram, from) => connection.receive(datagram, from, link);
    endpoint.onError = (error) => this.#onSocketError(error);
    endpoint.onSendFailure = endpoint.onError;
  }

  #start(link: Link, config: NativeConfig): QuicConnection {
    try {
      return new QuicConnection({
        native: this.#begin(link.local, config),
        weight: weights.ofOne(),
        role: "client",
        link,
        limits: this.#limits,
        peer: this.#peer,
        owner: this,
        earlyData: this.#options.earlyData === true,
        bytesIn: 0,
      });
    } catch (cause) {
      throw new QpqError("E040_CONNECT_FAILED", { text: "the address cannot be used", cause });
    }
  }

  #begin(local: HostPort, config: NativeConfig): NativeConnection {
    config.setMaxSendUdpPayloadSize(datagramBytesTo(this.#peer, this.#limits));
    const connect = (): NativeConnection =>
      quiche.Connection.connect(this.#options.serverName, mintConnectionId(undefined), local, this.#peer, config);
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

  /**
   * ICMP "port unreachable". Once connected it may be forged, so then only the peer and the idle timeout count; but that
   * this machine has no way to the server is for sure.
   */
  #onSocketError(error: Error): void {
    const code = "code" in error ? String(error.code) : "";
    if (this.#connection === undefined) return;
    if (this.#connection.established) {
      if (lostNetwork.has(code)) this.#connection.lostNetwork();
      return;
    }
    if (code === "ECONNREFUSED") this.#settled.reject(new NothingListens(error));
    this.#connection.abandon("the network refused the connection", error);
  }
}

function partsOf(trust: Trust): CheckedAgainst {
  if ("pins" in trust) return ["pins", ...trust.pins];
  return "caCertificate" in trust ? ["certificate", trust.caCertificate] : ["system roots"];
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new QpqError("E040_CONNECT_FAILED", { text: "the dial was aborted", cause: signal.reason });
}
