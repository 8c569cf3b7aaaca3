/**
 * What a qpq-server promises its callers, as shares of their calls over 30 days, and how the share that missed is counted.
 * Alert rules (rules/burn-rate.ts), dashboards and slo/ are made of it.
 */
import type { ErrorCode } from "quicproquo-proto";

/** Told when the server could not do what a well-behaved caller may ask for. */
export const serverFaults = [
  "E020_STORE_UNAVAILABLE",
  "E021_OVERLOADED",
  "E028_DEADLINE",
  "E034_INTERNAL",
  "E035_STORE_FULL",
] as const satisfies readonly ErrorCode[];

/** Of the same kinds, and no fault: of clients, or part of a graceful stop, of which clients go elsewhere. */
export const noFaults = [
  "E033_SHUTTING_DOWN",
  "E040_CONNECT_FAILED",
  "E042_CONNECTION_LOST",
  "E049_STREAM_RESET",
  "E063_SINK_FAILED",
] as const satisfies readonly ErrorCode[];

/** By namespace and job: several installations may stand in one Prometheus. */
export const installation = "namespace, job";

/** A bound of the histogram of calls, in seconds: both ends of a message in one region. */
const deliverableSeconds = 0.25;

export type Objective = {
  /** Value of the label `slo`. */
  readonly name: string;
  readonly alert: string;
  readonly title: string;
  readonly says: string;
  /** Share of calls that must do well, over 30 days. */
  readonly target: number;
  /** Calls a second that missed, and all of them, over a range such as `5m`. */
  readonly missed: (range: string) => string;
  readonly all: (range: string) => string;
};

const appending = "enqueue|batchEnqueue|submitCommit|Session.send";
const waiting = "fetchWait|Inbox.subscribe";
const faults = serverFaults.join("|");

export const objectives: readonly Objective[] = [
  {
    name: "enqueue-success",
    alert: "QpqEnqueueFailing",
    title: "Messages are taken",
    says: "Calls that store messages end without a fault of the server.",
    target: 0.999,
    missed: (range) => calls(range, `method=~"${appending}", code=~"${faults}"`),
    all: (range) => calls(range, `method=~"${appending}"`),
  },
  {
    name: "enqueue-deliverable",
    alert: "QpqEnqueueSlow",
    title: "Messages are deliverable soon",
    says: `From the decoded call to the message that is durable and whose readers were told: ${deliverableSeconds * 1_000} ms.`,
    target: 0.99,
    missed: (range) =>
      `${calls(range, `method=~"${appending}"`, "qpq_rpc_call_duration_seconds_count")} - ` +
      calls(range, `method=~"${appending}", le="${deliverableSeconds}"`, "qpq_rpc_call_duration_seconds_bucket"),
    all: (range) => calls(range, `method=~"${appending}"`, "qpq_rpc_call_duration_seconds_count"),
  },
  {
    name: "wait-answer",
    alert: "QpqWaitsFailing",
    title: "Waiting readers are answered",
    says: "fetchWait and subscribe end without a fault of the server; how long they were parked does not count.",
    target: 0.999,
    missed: (range) => calls(range, `method=~"${waiting}", code=~"${faults}"`),
    all: (range) => calls(range, `method=~"${waiting}"`),
  },
];

/** What may be missed. */
export function budgetOf({ target }: Objective): number {
  // 1 - 0.999 is 0.0010000000000000009
  return Number((1 - target).toFixed(9));
}

/** 0 while no call missed; nothing while there are no calls. */
export function missedRatio({ missed, all }: Objective, range: string): string {
  return `(${missed(range)} or 0 * ${all(range)}) / ${all(range)}`;
}

function calls(range: string, labels: string, metric = "qpq_rpc_calls_total"): string {
  return `sum by (${installation}) (rate(${metric}{${labels}}[${range}]))`;
}
