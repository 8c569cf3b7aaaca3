/** Limits of a server of several processes: each has a name with its unit last, a default, a range and a reason. */
import type { LimitRow } from "quicproquo-proto";

const mebi = 1024 * 1024;

export const processLimits = {
  workers: {
    default: 1,
    min: 1,
    max: 256,
    doc: "Worker processes that share the ports, beside one that owns the store; 1 = one process does all. Linux alone.",
  },
  heartbeatMs: {
    default: 1_000,
    min: 50,
    max: 60_000,
    doc: "How often each process of several is asked for a sign of life, in ms.",
  },
  heartbeatMissesMax: {
    default: 3,
    min: 1,
    max: 100,
    doc: "Unanswered heartbeats after which a process is killed and replaced.",
  },
  workerRssBytesMax: {
    default: 2_048 * mebi,
    min: 128 * mebi,
    max: 2 ** 40,
    doc: "Memory of a worker above which it is drained and replaced, in bytes; 20,000 connections take about 800 MiB.",
  },
} as const satisfies Record<string, LimitRow>;

export type ProcessLimits = { readonly [Name in keyof typeof processLimits]: number };
