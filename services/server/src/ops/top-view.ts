/** What `qpq-server top` shows: two readings of /metrics as figures, and those as a table. */
import type { metricTable } from "../observe/metric-table.ts";
import { grown, type MetricsPage, quantile } from "./metrics-text.ts";

type MethodView = {
  readonly method: string;
  readonly perSecond: number;
  /** Seconds. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
};

export type TopView = {
  readonly seconds: number;
  readonly isDraining: boolean;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly waiters: number;
  readonly deliveredPerSecond: number;
  readonly cpuCores: number;
  readonly residentBytes: number;
  /** Of the event loop, seconds; of several processes their average. */
  readonly loopLagP99: number;
  /** Parts of the store that are not reached. */
  readonly partsDown: readonly string[];
  /** Busiest first; those that were called between the readings. */
  readonly methods: readonly MethodView[];
  /** Calls that ended with an error, by its code. */
  readonly errors: readonly { readonly code: string; readonly perSecond: number }[];
};

type Name = keyof typeof metricTable;
const calls: Name = "qpq_rpc_calls_total";
const durations: Name = "qpq_rpc_call_duration_seconds";
const of = (name: Name): Name => name;

export function viewOf(pages: readonly [MetricsPage, MetricsPage], seconds: number): TopView {
  const [, now] = pages;
  const labelValues = (name: string, label: string): string[] => [
    ...new Set(now.all(name).map(({ labels }) => labels[label] ?? "")),
  ];
  const perSecond = (name: string, labels?: Readonly<Record<string, string>>): number =>
    grown(pages, name, labels) / seconds;
  const methods = labelValues(calls, "method")
    .map((method) => ({
      method,
      perSecond: perSecond(calls, { method }),
      p50: quantile(pages, durations, { q: 0.5, labels: { method } }),
      p99: quantile(pages, durations, { q: 0.99, labels: { method } }),
    }))
    .filter((row) => row.perSecond > 0)
    .sort((a, b) => b.perSecond - a.perSecond);
  const errors = labelValues(calls, "code")
    .filter((code) => code.startsWith("E"))
    .map((code) => ({ code, perSecond: perSecond(calls, { code }) }))
    .filter((row) => row.perSecond > 0);
  return {
    seconds,
    isDraining: now.sum(of("qpq_draining")) > 0,
    sessions: now.sum(of("qpq_rpc_sessions")),
    subscriptions: now.sum(of("qpq_subscriptions")),
    waiters: now.sum(of("qpq_waiters")),
    deliveredPerSecond: perSecond(of("qpq_messages_delivered_total")),
    cpuCores: perSecond("process_cpu_seconds_total"),
    residentBytes: now.sum("process_resident_memory_bytes"),
    loopLagP99: now.sum("nodejs_eventloop_lag_p99_seconds"),
    partsDown: now.all(of("qpq_store_up")).flatMap(({ labels, value }) => (value === 0 ? (labels["part"] ?? []) : [])),
    methods,
    errors,
  };
}

export function tableOf(view: TopView): string {
  const ms = (seconds: number | undefined): string =>
    seconds === undefined ? "-" : seconds === Infinity ? "> 10 s" : `${(seconds * 1_000).toFixed(1)} ms`;
  const rate = (perSecond: number): string => `${perSecond.toFixed(1)}/s`;
  const state = [
    ...(view.isDraining ? ["draining"] : []),
    ...(view.partsDown.length > 0 ? [`degraded: without ${view.partsDown.join(", ")}`] : []),
  ];
  const lines = [
    `sessions ${view.sessions}   subscriptions ${view.subscriptions}   waiters ${view.waiters}   ${state.join("   ")}`,
    `delivered ${rate(view.deliveredPerSecond)}   cpu ${view.cpuCores.toFixed(2)} cores   memory ${Math.round(view.residentBytes / 1e6)} MB   loop lag p99 ${ms(view.loopLagP99)}`,
    "",
    `${"method".padEnd(28)}${"calls".padStart(12)}${"p50".padStart(12)}${"p99".padStart(12)}`,
    ...view.methods.map(
      ({ method, perSecond, p50, p99 }) =>
        `${method.padEnd(28)}${rate(perSecond).padStart(12)}${ms(p50).padStart(12)}${ms(p99).padStart(12)}`,
    ),
    ...(view.errors.length === 0 ? [] : ["", `${"error".padEnd(28)}${"calls".padStart(12)}`]),
    ...view.errors.map(({ code, perSecond }) => `${code.padEnd(28)}${rate(perSecond).padStart(12)}`),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}
