/** One page that says what a load measured: nothing on it comes from elsewhere, nothing runs; plots are drawn as SVG. */
import { lineChart, type Point } from "../plot/line-chart.ts";
import { element, escapeText } from "../plot/svg.ts";
import type { LoadResult, Percentiles, Second } from "./result.ts";
import { countOf, msOf } from "./words.ts";

/** What a percentile curve ends at on its axis when there is nothing beyond: one in a million. */
const rarest = 1e-6;

export function htmlReport(result: LoadResult, failures: readonly string[] = []): string {
  const title = `qpq bench ${result.scenario}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="color-scheme" content="light dark"/>
<title>${escapeText(title)}</title>
<style>${styles}</style>
</head>
<body>
<main>
<h1>${escapeText(title)}</h1>
${judged(failures)}
${summary(result)}
${table("Latency", ["", "p50", "p90", "p99", "p99.9", "max"], latencyRows(result))}
<p>Latency counts from the moment an action was due, so that a server that stands still makes all wait that come
meanwhile (no coordinated omission). Service time counts from when it was begun; the load itself was late by the rest.</p>
${charts(result).join("\n")}
${table("Errors", ["code", "actions"], errorRows(result))}
${table("Plan", ["", ""], rowsOf({ ...result.plan, phases: phasesOf(result) }))}
${table("Machine of the load", ["", ""], rowsOf({ ...result.host, ...result.versions, startedAt: result.startedAt }))}
</main>
</body>
</html>
`;
}

function summary(result: LoadResult): string {
  const { offered, done, errorCount, missed, bytes, secondsRun } = result;
  return table(
    result.endedEarly ? `Ended early, after ${secondsRun} s` : "Result",
    ["", ""],
    [
      ["due", `${countOf(offered)} actions, ${result.offeredPerSecond}/s`],
      ["done", `${countOf(done)} actions, ${result.reachedPerSecond}/s`],
      ["errors", countOf(errorCount)],
      [`missed (${missed.code})`, countOf(missed.count)],
      ["bytes", `${countOf(bytes.out)} sent, ${countOf(bytes.in)} received`],
    ],
  );
}

function judged(failures: readonly string[]): string {
  if (failures.length === 0) return "";
  const items = failures.map((each) => `<li>${escapeText(each)}</li>`).join("");
  return `<section><h2>Asserted, and not so</h2><ul>${items}</ul></section>`;
}

function latencyRows({ latencyMs, serviceMs, latenessMs }: LoadResult): readonly (readonly string[])[] {
  const row = (name: string, of: Percentiles): readonly string[] => {
    return [name, ...(["p50", "p90", "p99", "p99.9", "max"] as const).map((each) => msOf(of[each]))];
  };
  return [row("latency", latencyMs), row("service time", serviceMs), row("lateness of the load", latenessMs)];
}

function charts({ series, curve, latencyMs, reachedPerSecond }: LoadResult): readonly string[] {
  const over = (value: (second: Second) => number | null): readonly Point[] =>
    series.flatMap((each) => {
      const y = value(each);
      return y === null ? [] : [[each.second, y] as const];
    });
  const time = { label: "seconds" } as const;
  // a logarithmic axis has no zero: what took less than a microsecond took one
  const ms = (value: number | null): number | null => (value === null ? null : Math.max(0.001, value));
  const latency = lineChart({
    title: "Latency over time",
    description: `p50 ${msOf(latencyMs.p50)} and p99 ${msOf(latencyMs.p99)} over the whole time; each second by what was due in it`,
    x: time,
    y: { label: "ms", scale: "log" },
    series: [
      { name: "p50", points: over(({ p50Ms }) => ms(p50Ms)) },
      { name: "p99", points: over(({ p99Ms }) => ms(p99Ms)) },
    ],
  });
  const percentiles = lineChart({
    title: "Percentiles",
    description: `Latency that all but a share of the actions had: p99.9 ${msOf(latencyMs["p99.9"])}, the slowest ${msOf(latencyMs.max)}`,
    x: { label: "one action in so many is slower", scale: "log" },
    y: { label: "ms", scale: "log" },
    series: [
      {
        name: "latency",
        points: curve.map(([percentile, value]) => {
          return [1 / Math.max(rarest, 1 - percentile / 100), Math.max(0.001, value)] as const;
        }),
      },
    ],
  });
  const rate = lineChart({
    title: "Rate and errors over time",
    description: `${reachedPerSecond} actions a second over the whole time`,
    x: time,
    y: { label: "a second" },
    series: [
      { name: "done", points: over(({ perSecond }) => perSecond) },
      { name: "errors", points: over(({ errors }) => errors) },
      { name: "missed", points: over(({ missed }) => missed) },
    ],
  });
  return [latency, percentiles, rate].map((svg) => element("figure", {}, svg));
}

function errorRows({ errors }: LoadResult): readonly (readonly string[])[] {
  const rows = Object.entries(errors).map(([code, count]) => [code, countOf(count)]);
  return rows.length === 0 ? [["none", ""]] : rows;
}

function phasesOf({ plan }: LoadResult): string {
  return plan.phases
    .map(({ seconds, fromPerSecond, toPerSecond }) => {
      const rate = fromPerSecond === toPerSecond ? `${fromPerSecond}` : `${fromPerSecond} to ${toPerSecond}`;
      return `${rate}/s for ${seconds} s`;
    })
    .join(", ");
}

function rowsOf(fields: Readonly<Record<string, unknown>>): readonly (readonly string[])[] {
  return Object.entries(fields).map(([name, value]) => [name, String(value)]);
}

/** The first cell of a row names it. */
function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = head.some((each) => each !== "")
    ? `<thead><tr>${head.map((each) => `<th scope="col">${escapeText(each)}</th>`).join("")}</tr></thead>`
    : "";
  const body = rows.map(([name = "", ...cells]) => {
    const rest = cells.map((cell) => `<td>${escapeText(cell)}</td>`).join("");
    return `<tr><th scope="row">${escapeText(name)}</th>${rest}</tr>`;
  });
  return `<table><caption>${escapeText(caption)}</caption>${titles}<tbody>${body.join("")}</tbody></table>`;
}

const styles = `
:root{color-scheme:light dark;--paper:#fff;--text:#1b1b1f;--line:#d0d4da}
@media(prefers-color-scheme:dark){:root{--paper:#1b1b1f;--text:#e6edf3;--line:#3a3f45}}
body{margin:0;background:var(--paper);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main{max-width:760px;margin:0 auto;padding:24px 16px}
table{border-collapse:collapse;width:100%;margin:24px 0}
caption{text-align:left;font-weight:600;font-size:17px;padding:4px 0}
th,td{border-bottom:1px solid var(--line);padding:4px 8px 4px 0;text-align:left;font-weight:400;vertical-align:top}
td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
figure{margin:24px 0}
figure svg{max-width:100%;height:auto}
`.trim();
