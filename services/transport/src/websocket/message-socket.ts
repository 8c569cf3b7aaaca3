/**
 * What a connection needs of an open WebSocket (RFC 6455): messages both ways and a close with a code. Two
 * implementations: `ws` in Node, the browser's own.
 */
import type { QpqError } from "quicproquo-proto";

export interface MessageSocket {
  /** Set once, right after the socket was made. */
  events: SocketEvents | undefined;
  /** Bytes handed to `send` that the network has not taken. */
  readonly waitingBytes: number;
  /** One binary message. After the close it is ignored. Never calls an event from inside. */
  send(message: Uint8Array): void;
  /** Sends a Close frame behind what waits; the TCP connection ends in closeMsMax at the latest. */
  close(code: number, reason: string): void;
  /** Stops reading, control frames too. A browser cannot: there it does nothing. */
  holdBack(): void;
  readOn(): void;
}

/** None of these may throw. */
export interface SocketEvents {
  /** A binary message; undefined stands for a text message. */
  message(bytes: Uint8Array | undefined): void;
  /** The network took some of what waited. */
  sent(): void;
  /** Once. Nothing comes after it. */
  ended(end: SocketEnd): void;
}

export type SocketEnd =
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  /** Without a Close frame of the peer: it broke the protocol, was silent for too long, or the network failed. */
  | { readonly kind: "failed"; readonly byPeer: boolean; readonly error: QpqError };
