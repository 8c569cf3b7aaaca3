/** Observer on prom-client: the text of /metrics. Names of the original keep their names, ours begin with qpq_. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { CallObservation, Observer, StoreParts } from "./observer.ts";

/** Read when /metrics is asked for, so that nothing is counted twice. */
export type Sources = {
  readonly transport: () => Readonly<Record<string, number>>;
  readonly waiters: () => number;
  readonly subscriptions: () => number;
  readonly rpcSessions: () => number;
  readonly found: () => Readonly<Partial<Record<"first" | "hint" | "timer" | "reconnect", number>>>;
  readonly storeParts: () => StoreParts;
  /** undefined: this process shows none. */
  readonly certificateExpiresAtMs?: () => number;
};

/** What prom-client's registries give, and take to be summed. */
export type MetricsSnapshot = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

export type PrometheusObserver = Observer & {
  readonly contentType: string;
  text(): Promise<string>;
  snapshot(): Promise<MetricsSnapshot>;
  setDraining(draining: boolean): void;
};

// 0.1 ms ... 10 s: an embedded enqueue takes about 5 ms under load, a fetchWait up to its timeout
const secondsBuckets = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Of a listener's figures these rise and fall; the others only rise. */
const sizes = /(?:^|_)(?:connections|halfOpen|sheltered)$/;
/** So does this one of a store's part. */
const waiting = "hintsWaiting";

const originalCounters: Readonly<Record<string, readonly [name: string, help: string]>> = {
  enqueue: ["enqueue_total", "Messages accepted by enqueue."],
  fetch: ["fetch_total", "fetch calls answered."],
  fetchWait: ["fetch_wait_total", "fetchWait calls answered."],
  uploadKeyPackage: ["key_package_upload_total", "KeyPackages stored."],
  opaqueLoginFinish: ["auth_login_success_total", "Logins that got a token."],
};

export function createPrometheusObserver(sources: Sources): PrometheusObserver {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: "qpq_rpc_calls_total",
    help: "RPC calls ended, by method and code.",
    labelNames: ["method", "code"],
    registers,
  });
  const seconds = new Histogram({
    name: "qpq_rpc_call_duration_seconds",
    help: "From the decoded request to the answer, by method.",
    labelNames: ["method"],
    buckets: secondsBuckets,
    registers,
  });
  const enqueueBytes = new Counter({
    name: "enqueue_bytes_total",
    help: "Request bytes of accepted enqueue calls.",
    registers,
  });
  const delivered = new Counter({
    name: "qpq_messages_delivered_total",
    help: "Messages in answers of fetch, fetchWait and peek, and in pushes that were taken.",
    registers,
  });
  const loginFailures = new Counter({
    name: "auth_login_failure_total",
    help: "Logins refused in their second half; an honest client with a wrong password does not come so far.",
    registers,
  });
  const rateLimits = new Counter({
    name: "rate_limit_hit_total",
    help: "Calls refused with E018_RATE_LIMIT.",
    registers,
  });
  const background = new Counter({
    name: "qpq_background_failures_total",
    help: "Work that failed where no caller waits.",
    labelNames: ["work", "code"],
    registers,
  });
  const draining = new Gauge({ name: "qpq_draining", help: "1 while a graceful stop is under way.", registers });
  const perMethod = new Map(
    Object.entries(originalCounters).map(([method, [name, help]]) => [method, new Counter({ name, help, registers })]),
  );
  gaugeOf("qpq_waiters", "Parked fetchWait calls.", sources.waiters);
  gaugeOf("qpq_subscriptions", "Open subscriptions.", sources.subscriptions);
  gaugeOf("qpq_rpc_sessions", "Open RPC sessions.", sources.rpcSessions);
  const { certificateExpiresAtMs } = sources;
  if (certificateExpiresAtMs !== undefined) {
    new Gauge({
      name: "qpq_certificate_expiry_seconds",
      help: "Until the certificate that is shown expires; below 0 it has.",
      registers,
      // of several processes the first that will
      aggregator: "min",
      collect() {
        this.set(Math.floor((certificateExpiresAtMs() - Date.now()) / 1_000));
      },
    });
  }
  new Gauge({
    name: "qpq_store_up",
    help: "1 while this process reaches a server that the store is made of, else 0.",
    labelNames: ["part"],
    registers,
    // of several processes the worst
    aggregator: "min",
    collect() {
      for (const [part, { isUp }] of Object.entries(sources.storeParts())) this.set({ part }, isUp ? 1 : 0);
    },
  });
  new Counter({
    name: "qpq_store_total",
    help: "What this process counted of a server that the store is made of since the start, by name.",
    labelNames: ["part", "name"],
    registers,
    collect() {
      this.reset();
      for (const [part, { counts = {} }] of Object.entries(sources.storeParts())) {
        for (const [name, count] of Object.entries(counts)) if (name !== waiting) this.inc({ part, name }, count);
      }
    },
  });
  gaugeOf("qpq_store_hints_waiting", "Wake-ups on their way to Redis.", () => {
    return sources.storeParts().redis?.counts?.[waiting] ?? 0;
  });
  new Gauge({
    name: "qpq_transport",
    help: "The transport's own sizes, by name.",
    labelNames: ["name"],
    registers,
    collect() {
      for (const [name, value] of Object.entries(sources.transport())) if (sizes.test(name)) this.set({ name }, value);
    },
  });
  new Counter({
    name: "qpq_transport_total",
    help: "The transport's own counts since the start, by name.",
    labelNames: ["name"],
    registers,
    collect() {
      this.reset();
      for (const [name, value] of Object.entries(sources.transport())) if (!sizes.test(name)) this.inc({ name }, value);
    },
  });
  new Counter({
    name: "qpq_delivery_found_total",
    help: "Looks of waiting readers that found something, by what made them look. More by timer: hints are being lost.",
    labelNames: ["source"],
    registers,
    collect() {
      this.reset();
      for (const [source, value] of Object.entries(sources.found())) this.inc({ source }, value);
    },
  });

  // prom-client sorts and joins the labels at each use: 2 us a call, unless the child is kept
  const callsOf = kept<Counter.Internal>();
  const secondsOf = kept<Histogram.Internal<"method">>();

  function gaugeOf(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    snapshot: () => registry.getMetricsAsJSON(),
    setDraining: (on) => draining.set(on ? 1 : 0),
    callEnded(observation: CallObservation) {
      const { method, code } = observation;
      callsOf(`${method} ${code}`, () => calls.labels(method, code)).inc();
      secondsOf(method, () => seconds.labels(method)).observe(observation.seconds);
      if (code === "E018_RATE_LIMIT") rateLimits.inc();
      if (code !== "ok" && method === "opaqueLoginFinish") loginFailures.inc();
      if (code !== "ok") return;
      perMethod.get(method)?.inc();
      if (method === "enqueue") enqueueBytes.inc(observation.requestBytes);
    },
    messagesDelivered: (count) => delivered.inc(count),
    backgroundFailed: (work, code) => background.inc({ work, code }),
  };
}

/** Makes a child once for each of its few label values. */
function kept<Child>(): (name: string, make: () => Child) => Child {
  const children = new Map<string, Child>();
  return (name, make) => {
    let child = children.get(name);
    if (child === undefined) {
      child = make();
      children.set(name, child);
    }
    return child;
  };
}
