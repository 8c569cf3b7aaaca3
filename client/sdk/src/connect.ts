/** How a client reaches a server: QUIC first, a WebSocket beside it where UDP does not get through. */
import { alpnNode } from "quicproquo-proto";
import type { Connection } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";
import { type Candidate, dialFirst } from "quicproquo-transport/race";
import { dialWebSocket } from "quicproquo-transport/websocket";

export type Trust =
  /** The one certificate that is trusted: the server's own, or the one that signed it. DER or PEM. */
  | { readonly caCertificate: Uint8Array | string }
  /** SHA-256 of the SubjectPublicKeyInfo of each key that is trusted: 32 bytes. Name and dates then don't count. */
  | { readonly pins: readonly Uint8Array[] };

export type TransportChoice = "any" | "quic" | "websocket";

export type ServerAddress = {
  readonly host: string;
  readonly port: number;
  /** Name that the certificate must carry. */
  readonly serverName: string;
  readonly trust: Trust;
  /** TCP port of the WebSocket. Default: the number of the UDP port. */
  readonly websocketPort?: number;
  /** Default: any = QUIC, and a WebSocket 300 ms later or once QUIC has failed; who is there first is used. */
  readonly transport?: TransportChoice;
};

/** Where sessions of earlier connections stand, to be resumed. A session is a secret. */
export interface SessionCache {
  get(server: string): Promise<Uint8Array | undefined>;
  /** Replaces the one before. Must not reject: who loses a session makes a full handshake. */
  put(server: string, session: Uint8Array): Promise<void>;
  forget(server: string): Promise<void>;
}

/** For the life of a process. */
export class MemorySessionCache implements SessionCache {
  readonly #sessions = new Map<string, Uint8Array>();

  async get(server: string): Promise<Uint8Array | undefined> {
    return this.#sessions.get(server);
  }

  async put(server: string, session: Uint8Array): Promise<void> {
    this.#sessions.set(server, session);
  }

  async forget(server: string): Promise<void> {
    this.#sessions.delete(server);
  }
}

export type ConnectOptions = {
  readonly sessions?: SessionCache | undefined;
  /** Default true: with a session of an earlier connection the first calls go out before the handshake. */
  readonly earlyData?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
};

const websocketDelayMs = 300;

/**
 * With earlyData and a session of an earlier connection it answers at once, with a connection that is inEarlyData and has
 * not reached anybody yet; nothing is raced then, for UDP has got through before. E040_CONNECT_FAILED, E041_CERTIFICATE.
 */
export async function connectTo(server: ServerAddress, options: ConnectOptions = {}): Promise<Connection> {
  const { sessions, signal } = options;
  const { transport = "any" } = server;
  if (transport === "websocket") return await dialFirst([websocket(server, 0)], signal);
  const session = await sessions?.get(serverIdOf(server));
  const earlyData = session !== undefined && options.earlyData !== false;
  const quic = quicCandidate({ server, session, earlyData, sessions });
  if (transport === "quic" || earlyData) return await dialFirst([quic], signal);
  return await dialFirst([quic, websocket(server, websocketDelayMs)], signal);
}

/** What belongs to one server is kept under this. A session belongs to one trust too, which the transport looks at. */
export function serverIdOf({ host, port, serverName }: ServerAddress): string {
  return `${serverName} ${host} ${port}`;
}

type QuicParts = {
  readonly server: ServerAddress;
  readonly session: Uint8Array | undefined;
  readonly earlyData: boolean;
  readonly sessions: SessionCache | undefined;
};

function quicCandidate({ server, session, earlyData, sessions }: QuicParts): Candidate {
  const { host, port, serverName, trust } = server;
  const known = session === undefined ? {} : { session, earlyData };
  const keep = sessions && ((given: Uint8Array): void => void sessions.put(serverIdOf(server), given));
  const kept = keep === undefined ? {} : { onSession: keep };
  return {
    name: "QUIC",
    dial: (signal) => dialQuic({ host, port, serverName, alpn: [alpnNode], trust, signal, ...known, ...kept }),
  };
}

function websocket(server: ServerAddress, delayMs: number): Candidate {
  const { host, serverName, trust } = server;
  const port = server.websocketPort ?? server.port;
  return { name: "WebSocket", delayMs, dial: (signal) => dialWebSocket({ host, port, serverName, trust, signal }) };
}
