/**
 * Every metric of the server by its name: kind, unit, meaning, labels. docs/metrics.md is made of it
 * (scripts/metrics-page.ts), with those of the Node process, which prom-client brings along.
 *
 * Names of the original keep their names, ours begin with qpq_. Labels are closed sets: never a key, an inbox, a user, an
 * address or a message id.
 */

export type MetricRow = {
  readonly kind: "counter" | "gauge" | "histogram";
  /** Of the value; base units, as Prometheus wants them. */
  readonly unit: "calls" | "messages" | "bytes" | "seconds" | "1 or 0" | "count";
  readonly help: string;
  /** By name: what values it has. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a histogram: upper bounds, ascending. */
  readonly buckets?: readonly number[];
  /** What becomes of it on the page of a server of several processes. Default: the sum. */
  readonly joined?: "min";
  /** There only with several processes, only on the cluster's store. */
  readonly only?: "workers" | "cluster";
};

// 0.1 ms ... 10 s: an embedded enqueue takes about 5 ms under load, a fetchWait up to its timeout
const secondsBuckets = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const codes = "`ok`, `canceled` or the code of schemas/src/errors.ts that the caller was told";
const operations = "`append`, `appendAll`, `commitGroup`, `read`, `ack`";

export const metricTable = {
  qpq_rpc_calls_total: {
    kind: "counter",
    unit: "calls",
    help: "RPC calls ended, by method and code.",
    labels: { method: "of NodeService its name, of another interface `Interface.method`; `unknown`", code: codes },
  },
  qpq_rpc_call_duration_seconds: {
    kind: "histogram",
    unit: "seconds",
    help: "From the decoded request to the answer, by method.",
    labels: { method: "as above" },
    buckets: secondsBuckets,
  },
  enqueue_total: { kind: "counter", unit: "calls", help: "Messages accepted by enqueue." },
  enqueue_bytes_total: { kind: "counter", unit: "bytes", help: "Request bytes of accepted enqueue calls." },
  fetch_total: { kind: "counter", unit: "calls", help: "fetch calls answered." },
  fetch_wait_total: { kind: "counter", unit: "calls", help: "fetchWait calls answered." },
  key_package_upload_total: { kind: "counter", unit: "calls", help: "KeyPackages stored." },
  auth_login_success_total: { kind: "counter", unit: "calls", help: "Logins that got a token." },
  auth_login_failure_total: {
    kind: "counter",
    unit: "calls",
    help: "Logins refused in their second half; an honest client with a wrong password does not come so far.",
  },
  rate_limit_hit_total: { kind: "counter", unit: "calls", help: "Calls refused with E018_RATE_LIMIT." },
  delivery_queue_depth: {
    kind: "gauge",
    unit: "messages",
    help: "Messages that were accepted and are not durable yet: beyond appendsInFlightMax E021_OVERLOADED.",
  },
  qpq_messages_delivered_total: {
    kind: "counter",
    unit: "messages",
    help: "Messages in answers of fetch, fetchWait and peek, and in pushes that were taken.",
  },
  qpq_delivery_found_total: {
    kind: "counter",
    unit: "count",
    help: "Looks of waiting readers that found something, by what made them look. More by timer: hints are being lost.",
    labels: { source: "`first`, `hint`, `timer`, `reconnect`" },
  },
  qpq_background_failures_total: {
    kind: "counter",
    unit: "count",
    help: "Work that failed where no caller waits.",
    labels: { work: "`lease-removal`, `sweep`", code: "an error's" },
  },
  qpq_draining: { kind: "gauge", unit: "1 or 0", help: "Processes in a graceful stop." },
  qpq_waiters: { kind: "gauge", unit: "calls", help: "Parked fetchWait calls." },
  qpq_subscriptions: { kind: "gauge", unit: "count", help: "Open subscriptions." },
  qpq_rpc_sessions: { kind: "gauge", unit: "count", help: "Open RPC sessions." },
  qpq_certificate_expiry_seconds: {
    kind: "gauge",
    unit: "seconds",
    help: "Until the certificate that is shown expires; below 0 it has.",
    // the first that will
    joined: "min",
  },
  qpq_disk_size_bytes: {
    kind: "gauge",
    unit: "bytes",
    help: "Size of the file system that the data folder is on.",
    joined: "min",
  },
  qpq_disk_available_bytes: {
    kind: "gauge",
    unit: "bytes",
    help: "What is left of it for the server's user.",
    joined: "min",
  },
  qpq_store_call_duration_seconds: {
    kind: "histogram",
    unit: "seconds",
    help: "What the message log took, by operation; of an append until it is durable.",
    labels: { operation: operations },
    buckets: secondsBuckets,
  },
  qpq_store_failures_total: {
    kind: "counter",
    unit: "calls",
    help: "Calls of the message log that failed.",
    labels: { operation: operations, code: "an error's" },
  },
  qpq_store_up: {
    kind: "gauge",
    unit: "1 or 0",
    help: "1 while this process reaches a server that the store is made of, else 0.",
    labels: { part: "`postgres`, `redis`" },
    // the worst
    joined: "min",
    only: "cluster",
  },
  qpq_store_total: {
    kind: "counter",
    unit: "count",
    help: "What this process counted of a server that the store is made of since the start, by name.",
    labels: { part: "`postgres`, `redis`", name: "of the count" },
    only: "cluster",
  },
  qpq_store_hints_waiting: { kind: "gauge", unit: "count", help: "Wake-ups on their way to Redis." },
  qpq_transport_size: {
    kind: "gauge",
    unit: "count",
    help: "The transport's own sizes, by name.",
    labels: { name: "`connections`, `halfOpen`, ...; of the WebSocket with `websocket_` before it" },
  },
  qpq_transport_total: {
    kind: "counter",
    unit: "count",
    help: "The transport's own counts since the start, by name.",
    labels: { name: "of the count; of the WebSocket with `websocket_` before it" },
  },
  qpq_trace_spans_total: {
    kind: "counter",
    unit: "count",
    help: "Spans of traces, by what became of them.",
    labels: { result: "`sent`, `failed`: the collector did not take them" },
  },
  qpq_workers: { kind: "gauge", unit: "count", help: "Worker processes that serve.", only: "workers" },
  qpq_worker_restarts_total: {
    kind: "counter",
    unit: "count",
    help: "Processes that ended and were replaced: stalled, too much memory, killed from outside, or exited.",
    labels: { worker: "its number, or `store`", reason: "`stalled`, `memory`, `killed`, `exited`" },
    only: "workers",
  },
  qpq_worker_rss_bytes: {
    kind: "gauge",
    unit: "bytes",
    help: "Resident memory of a process, in bytes.",
    labels: { worker: "its number, or `store`" },
    only: "workers",
  },
  qpq_worker_heartbeat_age_seconds: {
    kind: "gauge",
    unit: "seconds",
    help: "Since a process last gave a sign of life.",
    labels: { worker: "its number, or `store`" },
    only: "workers",
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

type Table = typeof metricTable;
export type MetricName = keyof Table;
/** Names of one kind. */
export type NamesOf<Kind extends MetricRow["kind"]> = {
  [Name in MetricName]: Table[Name]["kind"] extends Kind ? Name : never;
}[MetricName];
