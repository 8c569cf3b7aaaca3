/** Limits of the WebSocket transport: each has a name with its unit last, a default, a range and a reason. */
import type { LimitRow } from "quicproquo-proto";
import { resolveLimits } from "../limit-table.ts";

const kibi = 1024;
const mebi = 1024 * kibi;

/** The same names and defaults as over QUIC, where the two mean the same. */
export const websocketLimits = {
  connectionsMax: {
    default: 20_000,
    min: 1,
    max: 1_000_000,
    doc: "TCP connections of one listener, half-open and closing ones included.",
  },
  connectionsPerAddressMax: {
    default: 1_000,
    min: 1,
    max: 1_000_000,
    doc: "TCP connections of one peer: an IPv4 address or an IPv6 /64. Raise it behind a proxy.",
  },
  handshakeMsMax: {
    default: 5_000,
    min: 100,
    max: 60_000,
    doc: "From the TCP connection to the open WebSocket; one that takes longer is given up, in ms.",
  },
  idleMs: {
    default: 15_000,
    min: 100,
    max: 600_000,
    doc: "A peer from whom nothing came for this long is given up, in ms. A browser cannot tell and has no such limit.",
  },
  keepAliveMs: {
    default: 10_000,
    min: 0,
    max: 600_000,
    doc: "A client that has heard nothing for this long pings, in ms; below the idle time of both sides. 0 = never.",
  },
  closeMsMax: {
    default: 1_000,
    min: 10,
    max: 60_000,
    doc: "How long a peer may take to answer a close before its TCP connection is cut, in ms.",
  },
  requestHeaderBytesMax: {
    default: 8 * kibi,
    min: kibi,
    max: 64 * kibi,
    doc: "Bytes of the HTTP request that asks for the upgrade.",
  },
  messageBytesMax: {
    default: mebi,
    min: 64 * kibi,
    max: 64 * mebi,
    doc: "Largest message taken: it is gathered whole before a byte of it is handed on. Sent ones have 64 KiB at most.",
  },
  messagePiecesMax: {
    default: 4_096,
    min: 64,
    max: 1_000_000,
    doc: "Fragments of a message, and pieces TCP may bring a frame in: each costs about 200 bytes beside its content.",
  },
  streamWindowBytes: {
    default: mebi,
    min: 1,
    max: 16 * mebi,
    doc: "Bytes taken ahead of a reader that pauses, 256 a message added; above it the socket is not read.",
  },
  heldBytesMax: {
    default: 16 * mebi,
    min: 64 * kibi,
    max: 1024 * mebi,
    doc: "Bytes taken ahead of a reader that pauses where the socket cannot be held back (a browser); then it is closed.",
  },
  sendQueueBytes: {
    default: 256 * kibi,
    min: 1,
    max: 64 * mebi,
    doc: "Bytes waiting to be sent above which write answers false.",
  },
  sendQueueBytesMax: {
    default: 16 * mebi,
    min: 1,
    max: 1024 * mebi,
    doc: "Bytes waiting to be sent above which the stream is reset: two of the largest RPC messages.",
  },
} as const satisfies Record<string, LimitRow>;

export type WebSocketLimits = { readonly [Name in keyof typeof websocketLimits]: number };

/** Defaults under what the caller set; E046_CONFIG for a value outside its range. */
export function resolveWebSocketLimits(overrides?: Partial<WebSocketLimits>): WebSocketLimits {
  return resolveLimits(websocketLimits, overrides);
}
