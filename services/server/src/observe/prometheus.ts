/** Observer on prom-client: what is on /metrics (metric-table.ts says what each is). */
import type { Registry } from "prom-client";
import { CallCounts } from "./call-counts.ts";
import type { Log } from "./log.ts";
import { MetricRegistry, type Reading } from "./metric-registry.ts";
import type { CallObservation, Observer, StoreCallObservation, StoreObserver, StoreParts } from "./observer.ts";

/** Read when /metrics is asked for, so that nothing is counted twice. */
export type Sources = {
  readonly transport: () => Readonly<Record<string, number>>;
  readonly queueDepth: () => number;
  readonly waiters: () => number;
  readonly subscriptions: () => number;
  readonly rpcSessions: () => number;
  readonly found: () => Readonly<Partial<Record<"first" | "hint" | "timer" | "reconnect", number>>>;
  readonly storeParts: () => StoreParts;
  /** undefined: this process shows none. */
  readonly certificateExpiresAtMs?: () => number;
  /** Of the data folder's file system; undefined: this process shows none, or there is no such folder. */
  readonly disk?: () => { readonly sizeBytes: number; readonly availableBytes: number } | undefined;
  readonly traceSpans: () => Readonly<Record<"sent" | "failed", number>>;
};

/** What prom-client's registries give, and take to be summed. */
export type MetricsSnapshot = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

export type PrometheusObserver = Observer &
  StoreObserver & {
    /** Empty when metrics are off. */
    snapshot(): Promise<MetricsSnapshot>;
    setDraining(draining: boolean): void;
  };

/** Of a listener's figures these rise and fall; the others only rise. */
const sizes = /(?:^|_)(?:connections|halfOpen|sheltered)$/;
/** So does this one of a store's part. */
const waiting = "hintsWaiting";

const originalCounters = {
  enqueue: "enqueue_total",
  fetch: "fetch_total",
  fetchWait: "fetch_wait_total",
  uploadKeyPackage: "key_package_upload_total",
  opaqueLoginFinish: "auth_login_success_total",
} as const;

/** Where metrics are off. */
export const noMetrics: PrometheusObserver = {
  snapshot: async () => [],
  setDraining: () => undefined,
  callEnded: () => undefined,
  storeCallEnded: () => undefined,
  messagesDelivered: () => undefined,
  backgroundFailed: () => undefined,
};

/** Whoever is observed goes on when the observer throws; the log is told of the first time. */
export function harmless(observer: PrometheusObserver, log: Pick<Log, "error">): PrometheusObserver {
  let isTold = false;
  const told =
    <Parameters extends readonly unknown[]>(tell: (...parameters: Parameters) => void) =>
    (...parameters: Parameters): void => {
      try {
        tell(...parameters);
      } catch (error) {
        if (!isTold) log.error({ event: "observer_failed", error });
        isTold = true;
      }
    };
  return {
    ...observer,
    callEnded: told(observer.callEnded),
    storeCallEnded: told(observer.storeCallEnded),
    messagesDelivered: told(observer.messagesDelivered),
    backgroundFailed: told(observer.backgroundFailed),
  };
}

export function createPrometheusObserver(sources: Sources): PrometheusObserver {
  const metrics = new MetricRegistry();
  metrics.addProcess();
  const seconds = metrics.histogram("qpq_rpc_call_duration_seconds");
  const storeSeconds = metrics.histogram("qpq_store_call_duration_seconds");
  const background = metrics.counter("qpq_background_failures_total");
  const storeFailures = metrics.counter("qpq_store_failures_total");
  const draining = metrics.gauge("qpq_draining");
  // there from the start: an alarm on a counter that comes into being with its first failure misses that one
  for (const work of ["lease-removal", "sweep"]) background.inc({ work, code: "E020_STORE_UNAVAILABLE" }, 0);
  for (const operation of ["append", "appendAll", "commitGroup", "read", "ack"]) {
    storeFailures.inc({ operation, code: "E020_STORE_UNAVAILABLE" }, 0);
  }
  readSources(metrics, sources);

  // prom-client sorts, joins and checks the labels at each use: what every call counts is kept in plain numbers
  const calls = new CallCounts();
  let [enqueueBytes, delivered] = [0, 0];
  metrics.counterOf("qpq_rpc_calls_total", () => calls.reading());
  for (const [method, name] of Object.entries(originalCounters)) {
    metrics.counterOf(name, () => one(calls.of(method, "ok")));
  }
  metrics.counterOf("auth_login_failure_total", () => one(calls.failuresOf("opaqueLoginFinish")));
  metrics.counterOf("rate_limit_hit_total", () => one(calls.with("E018_RATE_LIMIT")));
  metrics.counterOf("enqueue_bytes_total", () => one(enqueueBytes));
  metrics.counterOf("qpq_messages_delivered_total", () => one(delivered));

  return {
    snapshot: () => metrics.registry.getMetricsAsJSON(),
    setDraining: (on) => draining.set(on ? 1 : 0),
    callEnded({ method, code, seconds: taken, requestBytes, span }: CallObservation) {
      calls.add(method, code);
      const exemplar = span && { trace_id: span.traceId, span_id: span.spanId };
      seconds.of(method).observe(taken, exemplar);
      if (code === "ok" && method === "enqueue") enqueueBytes += requestBytes;
    },
    storeCallEnded({ operation, seconds: taken, code }: StoreCallObservation) {
      storeSeconds.of(operation).observe(taken);
      if (code !== undefined) storeFailures.inc({ operation, code });
    },
    messagesDelivered(count) {
      delivered += count;
    },
    backgroundFailed: (work, code) => background.inc({ work, code }),
  };
}

function readSources(metrics: MetricRegistry, sources: Sources): void {
  const { certificateExpiresAtMs, disk } = sources;
  metrics.gaugeOf("delivery_queue_depth", () => one(sources.queueDepth()));
  metrics.gaugeOf("qpq_waiters", () => one(sources.waiters()));
  metrics.gaugeOf("qpq_subscriptions", () => one(sources.subscriptions()));
  metrics.gaugeOf("qpq_rpc_sessions", () => one(sources.rpcSessions()));
  if (certificateExpiresAtMs !== undefined) {
    metrics.gaugeOf("qpq_certificate_expiry_seconds", () =>
      one(Math.floor((certificateExpiresAtMs() - Date.now()) / 1_000)),
    );
  }
  const room = (field: "sizeBytes" | "availableBytes"): Reading => {
    const found = disk?.();
    return found === undefined ? [] : one(found[field]);
  };
  metrics.gaugeOf("qpq_disk_size_bytes", () => room("sizeBytes"));
  metrics.gaugeOf("qpq_disk_available_bytes", () => room("availableBytes"));
  metrics.gaugeOf("qpq_store_up", () =>
    Object.entries(sources.storeParts()).map(([part, { isUp }]) => [{ part }, isUp ? 1 : 0]),
  );
  metrics.counterOf("qpq_store_total", () =>
    Object.entries(sources.storeParts()).flatMap(([part, { counts = {} }]) =>
      Object.entries(counts)
        .filter(([name]) => name !== waiting)
        .map(([name, count]) => [{ part, name }, count] as const),
    ),
  );
  metrics.gaugeOf("qpq_store_hints_waiting", () => one(sources.storeParts().redis?.counts?.[waiting] ?? 0));
  const transport = (isSize: boolean): Reading =>
    Object.entries(sources.transport())
      .filter(([name]) => sizes.test(name) === isSize)
      .map(([name, value]) => [{ name }, value]);
  metrics.gaugeOf("qpq_transport_size", () => transport(true));
  metrics.counterOf("qpq_transport_total", () => transport(false));
  metrics.counterOf("qpq_delivery_found_total", () =>
    Object.entries(sources.found()).map(([source, value]) => [{ source }, value]),
  );
  metrics.counterOf("qpq_trace_spans_total", () =>
    Object.entries(sources.traceSpans()).map(([result, value]) => [{ result }, value]),
  );
}

function one(value: number): Reading {
  return [[{}, value]];
}
