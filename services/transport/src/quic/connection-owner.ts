/** What a connection is made of, and who made it and keeps it. */
import type { QpqError } from "quicproquo-proto";
import type { ConnectionClosed } from "../port.ts";
import type { QuicConnection } from "./connection.ts";
import type { Link } from "./links.ts";
import type { HostPort, NativeConnection } from "./native.ts";
import type { QuicLimits } from "./quic-limits.ts";
import type { Role } from "./stream-table.ts";

/** None of these may throw. */
export interface ConnectionOwner {
  /** The handshake is done, or early data may come: hand the connection to its user. Once. */
  ready(connection: QuicConnection): void;
  /** The handshake is done: is the peer, by its certificate, one that is not wanted? Before anything is sent to it. */
  refusal?(native: NativeConnection): QpqError | undefined;
  /** The handshake is done. Once. */
  established(connection: QuicConnection): void;
  /** The server gave a session to resume: the library's bytes. The newest is the last. Only on a client. */
  session?(session: Uint8Array): void;
  /** Makes an id that leads to this connection, until it is given back or the connection disposed. */
  newId(connection: QuicConnection): NewId;
  /** Nobody will use the id again. */
  forgetId?(connection: QuicConnection, id: Uint8Array): void;
  /** Another socket to the same peer. Only a client has one; rejects with E040_CONNECT_FAILED. */
  openLink?(): Promise<Link>;
  /** It ends without a word to the peer, for the library must not, or cannot, be asked for one. Once, before closed. */
  brokenOff?(): void;
  /** It ended; the user has been told. Once. */
  closed(connection: QuicConnection, closed: ConnectionClosed): void;
  /** Nothing is left of it: forget its ids. Once, after closed. */
  disposed(connection: QuicConnection): void;
  /** A callback of the user threw, or the driver did. */
  fault(error: unknown): void;
}

export type NewId = {
  readonly id: Uint8Array;
  /** RFC 9000 section 10.3: 16 bytes as a number. */
  readonly resetToken: bigint;
};

export type QuicConnectionOptions = {
  readonly native: NativeConnection;
  /** Kept as long as the connection: see NativeWeight. Only where there are many. */
  readonly weight?: object;
  readonly role: Role;
  readonly link: Link;
  readonly limits: QuicLimits;
  readonly peer: HostPort;
  readonly owner: ConnectionOwner;
  /** May it be handed to its user before the handshake is over, if the library takes part in early data? */
  readonly earlyData: boolean;
  /** Size of the datagram that the library has read already; 0 for a client. */
  readonly bytesIn: number;
};
