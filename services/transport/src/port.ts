/**
 * The transport port: what a session needs of a network, and nothing that only QUIC has.
 *
 * Promises of every transport: a stream is an ordered, reliable byte sequence in both directions; `onClose` of a stream
 * and of a connection is called exactly once and is the last call; callbacks are never called from inside `write`,
 * `end` or `close`; a chunk handed to `onData` belongs to the receiver and is not written again; no callback that
 * throws can end the process or another connection (the connection it belongs to is closed with code `internal`).
 *
 * When callbacks must be set: a dialled connection's within the turn its promise resolves in, an accepted one's inside
 * onConnection, a stream's `onEnd` and `onClose` inside onStream. Data waits: see `onData`.
 */
import type { QpqError } from "quicproquo-proto";

/** Application close codes (RFC 9000 section 20.2) in ranges: 0 fine, 1xx reconnect, 2xx do not come back with the same. */
export const closeCodes = {
  done: 0,
  shuttingDown: 100,
  overloaded: 101,
  internal: 102,
  idle: 103,
  protocolViolation: 200,
  certificateRefused: 201,
  limitExceeded: 202,
} as const;
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

export type ConnectionInfo = {
  readonly protocol: "quic" | "websocket" | "memory";
  /** E.g. "1" for QUIC version 1 (RFC 9000), undefined elsewhere. */
  readonly quicVersion: string | undefined;
  /** E.g. "TLS 1.3"; undefined on memory. */
  readonly tlsVersion: string | undefined;
  /** Cipher suite when the library tells it, else undefined. */
  readonly cipher: string | undefined;
  readonly alpn: string | undefined;
  readonly peerHost: string;
  readonly peerPort: number;
  /** True when the handshake resumed an earlier session; false until it is over. */
  readonly resumed: boolean;
};

/** Counts since the connection began. Datagram figures are 0 on memory. */
export type ConnectionStats = {
  readonly datagramsIn: number;
  readonly datagramsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly lost: number;
  readonly rttMs: number;
};

export interface ByteStream {
  /** RFC 9000 section 2.1 stream id; client-initiated bidirectional: 0, 4, 8 ... */
  readonly id: number;
  /**
   * False = the bytes are kept but the peer does not read fast enough: stop until `onDrain`. Who goes on all the same
   * finds the stream reset with code `overloaded` at a limit. Never throws; after close it is ignored. The callee may
   * keep a reference: the caller must not change the chunk afterwards.
   */
  write(chunk: Uint8Array): boolean;
  /** Sends FIN after what was written. */
  end(): void;
  /** Stops `onData` until `resume`: the peer is then held back by flow control. */
  pause(): void;
  resume(): void;
  /** RESET_STREAM and STOP_SENDING with an application code. */
  reset(code: CloseCode): void;
  /** While undefined the stream is as if paused: what comes, FIN too, waits. */
  onData: ((chunk: Uint8Array) => void) | undefined;
  /** The peer sent FIN, and everything before it was handed over. */
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  /** undefined = both sides ended; otherwise E042_CONNECTION_LOST, or E049_STREAM_RESET with the code as a field. */
  onClose: ((error: QpqError | undefined) => void) | undefined;
}

export type ConnectionClosed = {
  /** Application close code of whoever closed, or undefined for idle timeout, transport or TLS errors. */
  readonly code: number | undefined;
  readonly reason: string;
  readonly byPeer: boolean;
  /** E040_CONNECT_FAILED before the handshake, E041_CERTIFICATE, E042_CONNECTION_LOST; undefined for code 0. */
  readonly error: QpqError | undefined;
};

export interface Connection {
  readonly info: ConnectionInfo;
  /** The other end as it is now: that of info, without the rest of it, for who asks at every call. */
  readonly peer: { readonly host: string; readonly port: number };
  /**
   * True while the handshake is not over. On an accepted connection: what arrives is 0-RTT data that may be a replay
   * (RFC 8446 section 8). On a dialled one: what is written may be replayed, and has no forward secrecy.
   */
  readonly inEarlyData: boolean;
  stats(): ConnectionStats;
  /**
   * Throws E042_CONNECTION_LOST when closed, E021_OVERLOADED when the peer's stream limit is reached. The peer learns
   * of the stream with its first byte, FIN or reset.
   */
  openStream(): ByteStream;
  /**
   * Closes at once; pending writes may be lost. The peer sees the code and the reason (ASCII, at most 200 characters, no
   * secrets).
   */
  close(code: CloseCode, reason: string): void;
  /** While undefined, streams that the peer opens are reset. */
  onStream: ((stream: ByteStream) => void) | undefined;
  onClose: ((closed: ConnectionClosed) => void) | undefined;
  /**
   * Only for a connection that was handed over inEarlyData: called once, when the handshake is over, before anything
   * that arrived after it. A transport without early data never calls it.
   */
  onEstablished?: (() => void) | undefined;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Connections now, and counts since start by closed names (e.g. datagrams dropped and why). */
  stats(): Readonly<Record<string, number>>;
  /** From now on no new connection; those that exist go on. */
  refuseNew(): void;
  /** Closes every connection with the code, sends what that needs, then frees the port. */
  close(code: CloseCode, reason: string): Promise<void>;
}

export type OnConnection = (connection: Connection) => void;
