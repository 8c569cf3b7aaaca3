/** Limits of the QUIC driver: each has a name with its unit last, a default, a range and a reason. */
import type { LimitRow } from "quicproquo-proto";
import { resolveLimits } from "../limit-table.ts";

const mebi = 1024 * 1024;

export const quicLimits = {
  connectionsMax: {
    default: 20_000,
    min: 1,
    max: 1_000_000,
    doc: "Connections of one listener, half-open and closing ones included; an idle one takes about 40 KB.",
  },
  connectionsPerAddressMax: {
    default: 1_000,
    min: 1,
    max: 1_000_000,
    doc: "Connections of one peer: an IPv4 address or an IPv6 /64. Raise it for a load test from one machine.",
  },
  halfOpenMax: {
    default: 256,
    min: 0,
    max: 100_000,
    doc: "Handshakes under way above which a new peer must first prove its address (Retry); each takes about 25 KB.",
  },
  forgedInitialsPerSecondMax: {
    default: 1_000,
    min: 0,
    max: 1_000_000,
    doc: "First datagrams in a second that did not decrypt, 50 us each; above it new peers must first prove their address (Retry).",
  },
  handshakeMsMax: {
    default: 5_000,
    min: 100,
    max: 60_000,
    doc: "A handshake that takes longer is given up, in ms; a client that got a Retry waits twice that from then on.",
  },
  idleMs: {
    default: 15_000,
    min: 100,
    max: 600_000,
    doc: "A connection without a datagram for this long is closed, in ms.",
  },
  keepAliveMs: {
    default: 10_000,
    min: 0,
    max: 600_000,
    doc: "A client that has heard nothing for this long pings, in ms; below the idle time of both sides. 0 = never.",
  },
  pathSilenceMs: {
    default: 3_000,
    min: 0,
    max: 600_000,
    doc: "A client that asks and hears nothing for this long moves to another socket, in ms. 0 = never.",
  },
  pathsMax: {
    default: 16,
    min: 2,
    max: 64,
    doc: "Addresses that a peer may come from in the life of a connection, each 2 KB; at the last it must dial again.",
  },
  streamsMax: {
    default: 100,
    min: 1,
    max: 10_000,
    doc: "Streams a peer may have open on one connection; also the most native calls one datagram can cause.",
  },
  streamWindowBytes: {
    default: mebi,
    min: 16 * 1024,
    max: 16 * mebi,
    doc: "Bytes a peer may send on a stream ahead of the reader.",
  },
  connectionWindowBytes: {
    default: 4 * mebi,
    min: 16 * 1024,
    max: 64 * mebi,
    doc: "Bytes a peer may send on all its streams ahead of the reader: what a slow reader costs in memory.",
  },
  overheadBytesMax: {
    default: mebi,
    min: 64 * 1024,
    max: 64 * mebi,
    doc: "Bytes that a peer may send on a connection beyond those of streams and what goes with them; a little more each s.",
  },
  sendQueueBytes: {
    default: 256 * 1024,
    min: 1,
    max: 64 * mebi,
    doc: "Bytes waiting to be sent on a stream above which write answers false.",
  },
  sendQueueBytesMax: {
    default: 16 * mebi,
    min: 1,
    max: 1024 * mebi,
    doc: "Bytes waiting to be sent on a stream above which the stream is reset: two of the largest RPC messages.",
  },
  datagramBytes: {
    default: 1_232,
    min: 1_200,
    max: 1_350,
    doc: "UDP payload sent: IPv6's least MTU 1,280 less 48 of headers; the binding cannot discover a larger one.",
  },
  loopbackDatagramBytes: {
    default: 9_000,
    min: 1_200,
    max: 9_000,
    doc: "The same to a program of this machine: every loopback's MTU is larger; macOS sends 9,216 at most.",
  },
  socketBufferBytes: {
    default: 4 * mebi,
    min: 64 * 1024,
    max: 256 * mebi,
    doc: "Kernel buffers of the socket; the usual 212 KB overflow in a burst. Linux caps it at net.core.rmem_max.",
  },
  packetsPerFlushMax: {
    default: 256,
    min: 1,
    max: 65_536,
    doc: "Packets one connection sends before the others get their turn; also bounds a native send that never ends.",
  },
  retryTokenMsMax: { default: 10_000, min: 100, max: 60_000, doc: "Life of a Retry token, in ms." },
  retriesPerSecondMax: {
    default: 2_000,
    min: 0,
    max: 1_000_000,
    doc: "Retries sent in a second; who gets none asks again after some 100 ms.",
  },
  versionNegotiationsPerSecondMax: {
    default: 1_000,
    min: 0,
    max: 1_000_000,
    doc: "Version negotiations sent in a second.",
  },
  strangersPerSecondMax: {
    default: 1_000,
    min: 0,
    max: 1_000_000,
    doc: "Datagrams of no connection in a second that are a flood: then connections get sockets of their own.",
  },
  shelteredMax: {
    default: 256,
    min: 0,
    max: 10_000,
    doc: "Connections that get a socket of their own in a flood, a file descriptor each. 0 = none, and on Linux alone.",
  },
  statelessResetsPerSecondMax: {
    default: 1_000,
    min: 0,
    max: 1_000_000,
    doc: "Stateless resets sent in a second: enough for a restart, too few to be worth provoking.",
  },
  straysPerSecondMax: {
    default: 10_000,
    min: 0,
    max: 1_000_000,
    doc: "Datagrams of other workers handed on in a second; beyond it they are lost.",
  },
  refusalsPerSecondMax: {
    default: 1_000,
    min: 0,
    max: 1_000_000,
    doc: "New peers told in a second that they are refused; beyond it they wait for their own deadline.",
  },
} as const satisfies Record<string, LimitRow>;

export type QuicLimits = { readonly [Name in keyof typeof quicLimits]: number };

/** Defaults under what the caller set; E046_CONFIG for a value outside its range. */
export function resolveQuicLimits(overrides?: Partial<QuicLimits>): QuicLimits {
  return resolveLimits(quicLimits, overrides);
}
