/** What two memory connections say to each other, and the limits both keep. */
import type { LimitRow } from "quicproquo-proto";
import { resolveLimits } from "../limit-table.ts";

export type Frame =
  | { readonly kind: "data"; readonly id: number; readonly chunk: Uint8Array }
  | { readonly kind: "fin"; readonly id: number }
  | { readonly kind: "reset"; readonly id: number; readonly code: number }
  /** The reader took so many bytes: the writer may send as many more. */
  | { readonly kind: "credit"; readonly id: number; readonly bytes: number }
  /** A stream that the other side opened is over here: it may open another. */
  | { readonly kind: "released" };

/** The same names as over QUIC, where the two mean the same. */
export const memoryLimits = {
  connectionsMax: { default: 20_000, min: 1, max: 1_000_000, doc: "Connections of one listener." },
  streamsMax: { default: 100, min: 1, max: 10_000, doc: "Streams a peer may have open on one connection." },
  streamWindowBytes: {
    default: 256 * 1024,
    min: 1,
    max: 16 * 1024 * 1024,
    doc: "Bytes a peer may send on a stream ahead of the reader.",
  },
  sendQueueBytes: {
    default: 256 * 1024,
    min: 1,
    max: 64 * 1024 * 1024,
    doc: "Bytes waiting to be sent on a stream above which write answers false.",
  },
  sendQueueBytesMax: {
    default: 16 * 1024 * 1024,
    min: 1,
    max: 1024 * 1024 * 1024,
    doc: "Bytes waiting to be sent on a stream above which the stream is reset.",
  },
} as const satisfies Record<string, LimitRow>;

export type MemoryLimits = { readonly [Name in keyof typeof memoryLimits]: number };

/** Defaults under what the caller set; E046_CONFIG for a value outside its range. */
export function resolveMemoryLimits(overrides?: Partial<MemoryLimits>): MemoryLimits {
  return resolveLimits(memoryLimits, overrides);
}
