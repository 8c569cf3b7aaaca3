/**
 * Dials a QUIC server: a socket of its own for each connection, so the kernel drops strangers' datagrams, tells at once
 * when nothing listens there, and hands everything that comes, stateless resets too, to the one connection.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { QpqError } from "quicproquo-proto";
import type { OnFault } from "../fault-report.ts";
import type { Connection } from "../port.ts";
import { checkTrust, type Trust } from "../trust.ts";
import { clientConfig } from "./config.ts";
import { Dialling, NothingListens, throwIfAborted } from "./dialling.ts";
import { type QuicLimits, resolveQuicLimits } from "./quic-limits.ts";

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

export interface DialledConnection extends Connection {
  /**
   * Moves to another socket, when the network is known to have changed. By itself a connection moves when its network is
   * gone or it hears nothing for a while (pathSilenceMs).
   *
   * Resolves when the server has answered on the new path; a call while one is under way is that one. Rejects with
   * E040_CONNECT_FAILED when there is no network or no answer: the connection then stays where it was. E021_OVERLOADED
   * when the server has given no id to spare, as after many moves: dial again. E042_CONNECTION_LOST when closed, and
   * before the handshake is over.
   */
  migrate(): Promise<void>;
}

/** localhost has two; a host with more is tried no further. */
const addressesMax = 4;

/**
 * Resolves when the handshake is done and the server's certificate was checked (before that only with `earlyData`); the
 * first callback comes at least one turn later. Rejects with E041_CERTIFICATE (not trusted, wrong name, not valid now: the texts differ), or
 * E040_CONNECT_FAILED (nothing listens, no answer in time, other protocol, refused, aborted).
 */
export async function dialQuic(options: DialOptions): Promise<DialledConnection> {
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
