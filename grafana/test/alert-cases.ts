/**
 * For each alert what makes it fire, as promtool's unit tests write it: `0+10x60` grows by 10 for 60 minutes, `1x60` stays,
 * `_` is no sample. All series are of one server.
 */
import { budgetOf, type Objective, objectives } from "../src/objectives.ts";
import { day, hour, minute } from "../src/rules/rule.ts";

type Labels = Readonly<Record<string, string>>;

export type AlertCase = {
  readonly name: string;
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  readonly atSeconds: number;
  /** Of those that fire, all labels but the alert's name. */
  readonly fires: readonly Labels[];
};

const at = { namespace: "mail", job: "qpq", instance: "a:9090" };
const installation = { namespace: "mail", job: "qpq" };
const place = 'namespace="mail", job="qpq", instance="a:9090"';
const page = { severity: "page" };
const ticket = { severity: "ticket" };

const callsAMinute = 100_000;

/** An hour in which the share `ratio` of the calls misses, then one in which none does. */
function callsOf({ name }: Objective, ratio: number): Record<string, string> {
  const missed = Math.round(callsAMinute * ratio);
  const bad = `0+${missed}x60 ${missed * 60}+0x60`;
  const good = `0+${callsAMinute - missed}x60 ${(callsAMinute - missed) * 61}+${callsAMinute}x60`;
  const method = name === "wait-answer" ? "fetchWait" : "enqueue";
  if (name !== "enqueue-deliverable") {
    return {
      [`qpq_rpc_calls_total{${place}, method="${method}", code="ok"}`]: good,
      [`qpq_rpc_calls_total{${place}, method="${method}", code="E020_STORE_UNAVAILABLE"}`]: bad,
      // faults of other calls do not count here
      [`qpq_rpc_calls_total{${place}, method="health", code="E034_INTERNAL"}`]: `0+${callsAMinute}x120`,
    };
  }
  return {
    [`qpq_rpc_call_duration_seconds_bucket{${place}, method="${method}", le="0.25"}`]: good,
    [`qpq_rpc_call_duration_seconds_count{${place}, method="${method}"}`]: `0+${callsAMinute}x120`,
  };
}

const burnCases = objectives.flatMap((objective): AlertCase[] => {
  const slo = { ...installation, slo: objective.name };
  const of = (burn: number, atSeconds: number, severities: readonly Labels[], why: string): AlertCase => ({
    name: `${objective.alert}: ${burn} times the budget, ${why}`,
    alert: objective.alert,
    series: callsOf(objective, burn * budgetOf(objective)),
    atSeconds,
    fires: severities.map((severity) => ({ ...slo, ...severity })),
  });
  return [
    of(20, hour, [page, ticket], "for an hour"),
    of(8, hour, [page, ticket], "slower, and for longer"),
    of(4, hour, [ticket], "is for the working day"),
    of(1.5, hour, [ticket], "still misses the objective in the end"),
    of(0.5, hour, [], "is what a budget is for"),
    of(20, hour + 40 * minute, [ticket], "no longer wakes anybody up 40 minutes after its end"),
  ];
});

const total = (name: string): string => `qpq_store_total{${place}, part="redis", name="${name}"}`;
const certificate = `qpq_certificate_expiry_seconds{${place}}`;
const disk = (available: string): Record<string, string> => ({
  [`qpq_disk_size_bytes{${place}}`]: "1000000x600",
  [`qpq_disk_available_bytes{${place}}`]: available,
});
const restarts = (worker: string, reason: string): string =>
  `qpq_worker_restarts_total{${place}, worker="${worker}", reason="${reason}"}`;

const causeCases: readonly AlertCase[] = [
  {
    name: "one server of a job stays away",
    alert: "QpqServerDown",
    series: { [`up{${place}}`]: "1x10 0x60", [`qpq_draining{${place}}`]: "0x10 _x60" },
    atSeconds: 15 * minute,
    fires: [{ ...at, ...page }],
  },
  {
    name: "another job's server stays away",
    alert: "QpqServerDown",
    series: { 'up{job="other", instance="b:80"}': "0x60", [`qpq_draining{${place}}`]: "0x60" },
    atSeconds: 15 * minute,
    fires: [],
  },
  {
    name: "no server is known",
    alert: "QpqNoServer",
    series: { 'up{job="other", instance="b:80"}': "1x60" },
    atSeconds: 10 * minute,
    fires: [page],
  },
  {
    name: "Postgres is away",
    alert: "QpqPostgresAway",
    series: {
      [`qpq_store_up{${place}, part="postgres"}`]: "1x10 0x20",
      [`qpq_store_up{${place}, part="redis"}`]: "1x30",
    },
    atSeconds: 13 * minute,
    fires: [{ ...at, ...page }],
  },
  {
    name: "Postgres stands still, and keeps idle connections",
    alert: "QpqPostgresAway",
    series: {
      [`qpq_store_up{${place}, part="postgres"}`]: "1x60",
      [`qpq_store_call_duration_seconds_count{${place}, operation="append"}`]: "0+100x60",
      [`qpq_store_failures_total{${place}, operation="append", code="E020_STORE_UNAVAILABLE"}`]: "0x10 0+90x50",
    },
    atSeconds: 20 * minute,
    fires: [{ ...at, ...page }],
  },
  {
    name: "the embedded store is away: that is not Postgres",
    alert: "QpqPostgresAway",
    series: {
      [`qpq_store_call_duration_seconds_count{${place}, operation="append"}`]: "0+100x60",
      [`qpq_store_failures_total{${place}, operation="append", code="E020_STORE_UNAVAILABLE"}`]: "0+90x60",
    },
    atSeconds: 20 * minute,
    fires: [],
  },
  {
    name: "Redis is away",
    alert: "QpqRedisAway",
    series: {
      [`qpq_store_up{${place}, part="postgres"}`]: "1x30",
      [`qpq_store_up{${place}, part="redis"}`]: "1x10 0x20",
    },
    atSeconds: 17 * minute,
    fires: [{ ...at, ...ticket }],
  },
  {
    name: "every twentieth reader is found by the timer",
    alert: "QpqWakeupsLost",
    series: {
      [`qpq_delivery_found_total{${place}, source="hint"}`]: "0+95x60",
      [`qpq_delivery_found_total{${place}, source="timer"}`]: "0+5x60",
    },
    atSeconds: 40 * minute,
    fires: [{ ...installation, ...ticket }],
  },
  {
    name: "hints had no room once",
    alert: "QpqRedisFallback",
    series: { [total("hintsDropped")]: "0x10 3x60", [total("hintsSent")]: "0+100x70" },
    atSeconds: 15 * minute,
    fires: [{ ...at, name: "hintsDropped", ...ticket }],
  },
  {
    name: "a worker stalled once",
    alert: "QpqWorkerRestarts",
    series: { [restarts("1", "stalled")]: "0x10 1x60", [restarts("0", "stalled")]: "0x70" },
    atSeconds: 15 * minute,
    fires: [{ ...at, worker: "1", reason: "stalled", ...ticket }],
  },
  {
    name: "a worker ends each minute",
    alert: "QpqCrashLoop",
    series: { [restarts("1", "exited")]: "0+1x60", [restarts("0", "memory")]: "0x10 1x50" },
    atSeconds: 15 * minute,
    fires: [{ ...at, worker: "1", ...page }],
  },
  {
    name: "20 days left",
    alert: "QpqCertificateExpires",
    series: { [certificate]: `${20 * day}-60x60` },
    atSeconds: 20 * minute,
    fires: [{ ...at, ...ticket }],
  },
  {
    name: "2 days left",
    alert: "QpqCertificateExpires",
    series: { [certificate]: `${2 * day}-60x60` },
    atSeconds: 20 * minute,
    fires: [
      { ...at, ...ticket },
      { ...at, ...page },
    ],
  },
  {
    name: "a tenth is left",
    alert: "QpqDiskFilling",
    series: disk("100000x600"),
    atSeconds: hour,
    fires: [{ ...at, ...ticket }],
  },
  {
    name: "a third is left, and goes within 4 days",
    alert: "QpqDiskFilling",
    series: disk("400000-100x600"),
    atSeconds: 9 * hour,
    fires: [{ ...at, ...ticket }],
  },
  {
    name: "2 % are left",
    alert: "QpqDiskFilling",
    series: disk("20000x600"),
    atSeconds: hour,
    fires: [
      { ...at, ...ticket },
      { ...at, ...page },
    ],
  },
  {
    name: "the loop stands still",
    alert: "QpqEventLoopLag",
    series: { [`nodejs_eventloop_lag_p99_seconds{${place}}`]: "0.01x10 0.8x60" },
    atSeconds: 30 * minute,
    fires: [{ ...at, ...ticket }],
  },
  {
    name: "the sweep fails each minute",
    alert: "QpqBackgroundFailing",
    series: {
      [`qpq_background_failures_total{${place}, work="sweep", code="E020_STORE_UNAVAILABLE"}`]: "0x5 0+1x120",
      [`qpq_background_failures_total{${place}, work="lease-removal", code="E020_STORE_UNAVAILABLE"}`]: "0x120",
    },
    atSeconds: hour,
    fires: [{ ...at, work: "sweep", ...ticket }],
  },
  {
    name: "connections are refused all the time",
    alert: "QpqConnectionsRefused",
    series: {
      [`qpq_transport_total{${place}, name="websocket_refused"}`]: "0+4x60",
      [`qpq_transport_total{${place}, name="refused"}`]: "7x60",
      [`qpq_transport_total{${place}, name="droppedUnknown"}`]: "0+100x60",
    },
    atSeconds: 40 * minute,
    fires: [{ ...at, name: "websocket_refused", ...ticket }],
  },
];

/** A server under load that lacks nothing. */
export const healthy: Readonly<Record<string, string>> = {
  [`up{${place}}`]: "1x600",
  [`qpq_draining{${place}}`]: "0x600",
  [`qpq_store_up{${place}, part="postgres"}`]: "1x600",
  [`qpq_store_up{${place}, part="redis"}`]: "1x600",
  [`qpq_delivery_found_total{${place}, source="hint"}`]: "0+1000x600",
  [`qpq_delivery_found_total{${place}, source="timer"}`]: "0+1x600",
  [total("hintsDropped")]: "5x600",
  [total("failures")]: "5x600",
  [restarts("0", "exited")]: "3x600",
  [certificate]: `${60 * day}-60x600`,
  ...disk("600000-10x600"),
  [`nodejs_eventloop_lag_p99_seconds{${place}}`]: "0.02x600",
  [`qpq_background_failures_total{${place}, work="sweep", code="E020_STORE_UNAVAILABLE"}`]: "2x600",
  [`qpq_transport_total{${place}, name="refused"}`]: "9x600",
  ...Object.assign({}, ...objectives.map((objective) => callsOf(objective, 0))),
};

export const alertCases: readonly AlertCase[] = [...burnCases, ...causeCases];
