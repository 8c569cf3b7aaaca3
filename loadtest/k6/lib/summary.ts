/** The end of every script: a table of what the agent measured and the thresholds, and the same as JSON in a file. */
import { textSetting } from "./settings.ts";

/** What k6 gives to handleSummary, as far as it is read here. */
export type SummaryData = {
  readonly state: { readonly testRunDurationMs: number };
  readonly metrics: Readonly<Record<string, SummaryMetric>>;
};
type SummaryMetric = {
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
};

type Row = {
  /** "all", or the tag: "action:enqueue". */
  readonly of: string;
  readonly actions: number;
  /** 0 to 1. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};

const trend = "qpq_action_duration";

/** -e SUMMARY=FILE says where the JSON goes. */
export function handleSummary(data: SummaryData): Record<string, string> {
  const { testRunDurationMs } = data.state;
  const rows = rowsOf(data);
  const limits = Object.entries(data.metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([limit, { ok }]) => ({ metric, limit, ok })),
  );
  const dropped = data.metrics["dropped_iterations"]?.values["count"] ?? 0;
  const report = { schema: 1, durationMs: testRunDurationMs, dropped, rows, limits };
  return {
    stdout: textOf(report),
    [textSetting("SUMMARY", "k6-summary.json")]: `${JSON.stringify(report)}\n`,
  };
}

function rowsOf({ metrics }: SummaryData): Row[] {
  return Object.entries(metrics).flatMap(([name, { values }]) => {
    if (name !== trend && !name.startsWith(`${trend}{`)) return [];
    const tag = name.slice(trend.length);
    const value = (stat: string): number => values[stat] ?? 0;
    return {
      of: tag === "" ? "all" : tag.slice(1, -1),
      actions: value("count"),
      failed: metrics[`qpq_failed${tag}`]?.values["rate"] ?? 0,
      p50Ms: value("med"),
      p90Ms: value("p(90)"),
      p99Ms: value("p(99)"),
      p999Ms: value("p(99.9)"),
      maxMs: value("max"),
    };
  });
}

type Report = {
  readonly durationMs: number;
  readonly dropped: number;
  readonly rows: readonly Row[];
  readonly limits: readonly { readonly metric: string; readonly limit: string; readonly ok: boolean }[];
};

function textOf({ durationMs, dropped, rows, limits }: Report): string {
  const seconds = durationMs / 1_000;
  const heads = ["", "actions", "failed", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"];
  const table = rows.map(({ of, actions, failed, ...times }) => {
    const ms = [times.p50Ms, times.p90Ms, times.p99Ms, times.p999Ms, times.maxMs].map((each) => each.toFixed(2));
    return line([of, String(actions), `${(failed * 100).toFixed(2)} %`, ...ms]);
  });
  const judged = limits.map(({ metric, limit, ok }) => `${ok ? "ok    " : "FAILED"}  ${metric} ${limit}`);
  return `
${seconds.toFixed(1)} s; due and not begun: ${dropped}

${[line(heads), ...table].join("\n")}

${judged.join("\n")}
`;
}

function line([first = "", ...others]: readonly string[]): string {
  return first.padEnd(24) + others.map((each) => each.padStart(11)).join("");
}
