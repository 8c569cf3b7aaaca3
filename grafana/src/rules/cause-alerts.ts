/** Alerts on causes: what will harm callers if nobody looks, and what is being lost before they notice. */
import { installation } from "../objectives.ts";
import { type AlertRule, day, hour, minute, type Range, rangeOf, runbookOf, type Severity } from "./rule.ts";

type Row = {
  readonly alert: string;
  readonly severity: Severity;
  /** How long it must hold. */
  readonly forSeconds: number;
  /** `shrink`: for numbers of seconds; ranges are shorter already. */
  readonly expr: (range: Range, shrink: number) => string;
  readonly summary: string;
  readonly description: string;
};

const server = `${installation}, instance`;
const disk = "qpq_disk_available_bytes / qpq_disk_size_bytes";

/** One row a rule; two of one name are one alert with two severities, and have one page. */
const rows: readonly Row[] = [
  {
    alert: "QpqServerDown",
    severity: "page",
    forSeconds: 2 * minute,
    // what answered as one of ours within a day: whatever the job is called
    expr: (range) => `up == 0 and on (${server}) last_over_time(qpq_draining[${range(day)}]) >= 0`,
    summary: "{{ $labels.instance }} does not answer Prometheus.",
    description: "It was a qpq-server, and is still in Prometheus's list.",
  },
  {
    alert: "QpqNoServer",
    severity: "page",
    forSeconds: 5 * minute,
    expr: () => "absent(qpq_draining)",
    summary: "No qpq-server answers Prometheus.",
    description: "Not one that it knows of: either all are down, or it looks for them in the wrong place.",
  },
  {
    alert: "QpqPostgresAway",
    severity: "page",
    forSeconds: minute,
    // one that stands still keeps its idle connections, and counts as reached: then most calls fail
    expr: (range) =>
      `min by (${server}) (qpq_store_up{part="postgres"}) == 0 or ` +
      `(sum by (${server}) (rate(qpq_store_failures_total{code="E020_STORE_UNAVAILABLE"}[${range(5 * minute)}])) > ` +
      `0.5 * sum by (${server}) (rate(qpq_store_call_duration_seconds_count[${range(5 * minute)}])) ` +
      `and on (${server}) qpq_store_up{part="postgres"})`,
    summary: "{{ $labels.instance }} does not reach Postgres.",
    description: "Nothing is stored and nothing fetched; calls end with E020_STORE_UNAVAILABLE, which clients repeat.",
  },
  {
    alert: "QpqRedisAway",
    severity: "ticket",
    forSeconds: 5 * minute,
    expr: () => `min by (${server}) (qpq_store_up{part="redis"}) == 0`,
    summary: "{{ $labels.instance }} does not reach Redis.",
    description:
      "Nothing is lost; readers at other front-ends than the sender's hear late, and rates are counted by each front-end.",
  },
  {
    alert: "QpqWakeupsLost",
    severity: "ticket",
    forSeconds: 10 * minute,
    expr: (range) =>
      `sum by (${installation}) (rate(qpq_delivery_found_total{source="timer"}[${range(10 * minute)}])) > ` +
      `0.01 * sum by (${installation}) (rate(qpq_delivery_found_total[${range(10 * minute)}]))`,
    summary: "Wake-ups of {{ $labels.job }} are being lost.",
    description: "More than 1 % of what waiting readers found was found by the safety sweep: nobody had told them.",
  },
  {
    alert: "QpqRedisFallback",
    severity: "ticket",
    forSeconds: 0,
    expr: (range) =>
      `sum by (${server}, name) (increase(qpq_store_total{part="redis", name=~"hintsDropped|connectionsDeaf|failures"}[${range(15 * minute)}])) > 0`,
    summary: "{{ $labels.instance }} did without Redis: {{ $labels.name }}.",
    description:
      "A connection was lost, answered without hearing, or hints had no room: the safety sweep does their work.",
  },
  {
    alert: "QpqWorkerRestarts",
    severity: "ticket",
    forSeconds: 0,
    expr: (range) =>
      `sum by (${server}, worker, reason) (increase(qpq_worker_restarts_total[${range(15 * minute)}])) > 0`,
    summary: "Process {{ $labels.worker }} of {{ $labels.instance }} was replaced: {{ $labels.reason }}.",
    description: "Its clients had to connect again.",
  },
  {
    alert: "QpqCrashLoop",
    severity: "page",
    forSeconds: 0,
    expr: (range) => `sum by (${server}, worker) (increase(qpq_worker_restarts_total[${range(10 * minute)}])) > 4`,
    summary: "Process {{ $labels.worker }} of {{ $labels.instance }} ends again and again.",
    description: "More than 4 times in 10 minutes; the pauses before it is started again grow to 10 s.",
  },
  {
    alert: "QpqCertificateExpires",
    severity: "ticket",
    forSeconds: 15 * minute,
    expr: () => `min by (${server}) (qpq_certificate_expiry_seconds) < ${30 * day}`,
    summary: "The certificate of {{ $labels.instance }} expires within 30 days.",
    description: "Clients refuse a server whose certificate has expired, except those that pin its key.",
  },
  {
    alert: "QpqCertificateExpires",
    severity: "page",
    forSeconds: 15 * minute,
    expr: () => `min by (${server}) (qpq_certificate_expiry_seconds) < ${3 * day}`,
    summary: "The certificate of {{ $labels.instance }} expires within 3 days.",
    description: "Clients refuse a server whose certificate has expired, except those that pin its key.",
  },
  {
    alert: "QpqDiskFilling",
    severity: "ticket",
    forSeconds: 30 * minute,
    expr: (range, shrink) =>
      `${disk} < 0.15 or ` +
      `(${disk} < 0.5 and predict_linear(qpq_disk_available_bytes[${range(6 * hour)}], ${(4 * day) / shrink}) < 0)`,
    summary: "The disk of {{ $labels.instance }}'s data folder is filling.",
    description: "Less than 15 % is left, or none will be within 4 days.",
  },
  {
    alert: "QpqDiskFilling",
    severity: "page",
    forSeconds: 5 * minute,
    expr: () => `${disk} < 0.05`,
    summary: "The disk of {{ $labels.instance }}'s data folder is nearly full.",
    description:
      "Less than 5 % is left. A full one ends calls that store with E035_STORE_FULL; what is stored is safe.",
  },
  {
    alert: "QpqEventLoopLag",
    severity: "ticket",
    forSeconds: 10 * minute,
    expr: () => `nodejs_eventloop_lag_p99_seconds > 0.5`,
    summary: "The event loop of {{ $labels.instance }} stands still for half a second and more.",
    description: "Too much work for its cores; if it lasts, heartbeats are missed and workers are replaced.",
  },
  {
    alert: "QpqBackgroundFailing",
    severity: "ticket",
    forSeconds: 15 * minute,
    expr: (range) => `sum by (${server}, work) (rate(qpq_background_failures_total[${range(15 * minute)}])) > 0`,
    summary: "Work of {{ $labels.instance }} that no caller waits for fails: {{ $labels.work }}.",
    description: "What was read or has expired stays in the store: its disk fills, and readers may see messages twice.",
  },
  {
    alert: "QpqConnectionsRefused",
    severity: "ticket",
    forSeconds: 10 * minute,
    expr: (range) =>
      `sum by (${server}, name) (rate(qpq_transport_total{name=~"(websocket_)?(refused|droppedLimit)"}[${range(10 * minute)}])) > 0`,
    summary: "{{ $labels.instance }} turns clients away: {{ $labels.name }}.",
    description: "A limit of connections or of handshakes is reached.",
  },
];

export function causeAlerts(shrink: number): AlertRule[] {
  const range = rangeOf(shrink);
  return rows.map(({ alert, severity, forSeconds, expr, summary, description }) => ({
    alert,
    expr: expr(range, shrink),
    ...(forSeconds > 0 && { for: range(forSeconds) }),
    labels: { severity },
    annotations: { summary, description, runbook: runbookOf(alert) },
  }));
}
