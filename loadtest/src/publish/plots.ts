/** What is drawn of the reports. A plot is left out where nothing of it was measured, a bar where its figures were not. */
import { barChart } from "../plot/bar-chart.ts";
import { lineChart } from "../plot/line-chart.ts";
import type { Reports } from "./page.ts";
import { type Bars, type Lines, plotTable } from "./plot-table.ts";
import type { StoredReport } from "./stored-report.ts";

export type Plot = { readonly file: string; readonly description: string; readonly svg: string };

/** By name, in the order of the table. */
export function drawn(reports: Reports): ReadonlyMap<string, Plot> {
  const made = new Map<string, Plot>();
  for (const [name, plot] of Object.entries(plotTable)) {
    const report = reports.get(plot.scenario);
    const svg = report === undefined ? undefined : draw(plot, report);
    if (svg !== undefined) made.set(name, { file: `${name}.svg`, description: plot.title, svg });
  }
  return made;
}

function draw(plot: Bars | Lines, report: StoredReport): string | undefined {
  const quick = report.quick ? " (quick)" : "";
  const words = {
    title: `${plot.title}${quick}`,
    description: `Of npm run bench -- ${plot.scenario}, ${report.measuredAt.slice(0, 10)}; its table has the numbers.`,
  };
  if (plot.kind === "lines") {
    const series = plot.lines(report).filter(({ points }) => points.length > 0);
    return series.length === 0 ? undefined : lineChart({ ...words, x: plot.x, y: plot.y, series });
  }
  const bars = plot.rows.flatMap((row) => barOf(row, report));
  const x = { label: plot.unit, ...(plot.scale !== undefined && { scale: plot.scale }) };
  return bars.length === 0 ? undefined : barChart({ ...words, x, bars, parts: plot.parts ?? [] });
}

/** None, if one of its figures was not measured. */
function barOf({ figures, name, ours = false }: Bars["rows"][number], report: StoredReport) {
  const values = figures.map((part) =>
    [part].flat().reduce((sum, figure) => sum + (report.figures[figure] ?? Number.NaN), 0),
  );
  if (values.some(Number.isNaN)) return [];
  const [figure] = figures;
  const range = figures.length === 1 && typeof figure === "string" ? report.spread[figure] : undefined;
  return [{ name, ours, values, ...(range !== undefined && { spread: [range[0], range[2]] as const }) }];
}
