/**
 * The page of published figures: sentences of page-template.md, and in it every number from the reports. A name that no
 * scenario promises is refused, so that no sentence outlives its figure.
 *
 * In the template: `{{SCENARIO.NAME}}` a number, and without its report the paragraph is left out; `{{section SCENARIO}}` its command, tables and notes, `{{plot NAME}}`,
 * `{{machines}}`, `{{history}}`, `{{rest}}` the sections of reports whose scenarios the template does not name.
 */
import { shown } from "../report.ts";
import { scenarios } from "../scenarios.ts";
import type { HistoryPlot } from "./history-plots.ts";
import type { Plot } from "./plots.ts";
import { sectionOf } from "./section.ts";
import { hostKeyOf, type StoredReport } from "./stored-report.ts";

export type Reports = ReadonlyMap<string, StoredReport>;

export type PageParts = {
  readonly template: string;
  readonly reports: Reports;
  /** Those that could be drawn of the reports, by name. */
  readonly plots: ReadonlyMap<string, Plot>;
  readonly history: readonly HistoryPlot[];
};

export function pageOf({ template, reports, plots, history }: PageParts): string {
  const named = new Set<string>();
  const section = (scenario: string): string => {
    promised(scenario);
    named.add(scenario);
    return sectionOf(scenario, reports.get(scenario));
  };
  const paragraphs = template.split("\n\n").filter((paragraph) => hasNumbers(paragraph, reports));
  // before what is left over is known
  const sections = paragraphs
    .join("\n\n")
    .replaceAll(/\{\{section (\w[\w-]*)\}\}/g, (_, scenario: string) => section(scenario));
  const rest = [...reports.keys()].filter((scenario) => !named.has(scenario));
  const filled = sections.replaceAll(/\{\{([^{}]+)\}\}/g, (_, word: string) => {
    if (word === "machines") return machines(reports);
    if (word === "history") return history.length === 0 ? "Nothing is recorded yet." : pictures(history);
    if (word === "rest") return rest.map((each) => `## ${each}\n\n${doc(each)}\n\n${section(each)}`).join("\n\n");
    if (word.startsWith("plot "))
      return pictures([plots.get(word.slice("plot ".length))].filter((plot) => plot !== undefined));
    return figure(word, reports);
  });
  return `${filled.replaceAll(/\n{3,}/g, "\n\n").trim()}\n`;
}

/** Not, if it speaks of figures of a scenario that was not run. */
function hasNumbers(paragraph: string, reports: Reports): boolean {
  const named = [...paragraph.matchAll(/\{\{([\w-]+)\.\w+\}\}/g)].map(([, scenario = ""]) => scenario);
  return named.every((scenario) => reports.has(scenario) || scenarios[scenario] === undefined);
}

/** Of a page at the root of the site. */
function pictures(plots: readonly Pick<Plot, "file" | "description">[]): string {
  return plots.map(({ file, description }) => `![${description}](/benchmarks/${file})`).join("\n\n");
}

function doc(scenario: string): string {
  const words = scenarios[scenario]?.doc ?? "";
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}

function promised(scenario: string): NonNullable<(typeof scenarios)[string]>["names"] {
  const found = scenarios[scenario];
  if (found === undefined) throw new Error(`the page names the scenario ${scenario}, which there is not`);
  return found.names;
}

function figure(word: string, reports: Reports): string {
  const [scenario = "", name = ""] = word.split(".");
  const { figures, ratios } = promised(scenario);
  if (!figures.includes(name) && !ratios.includes(name)) {
    throw new Error(`the page names ${word}, which no scenario promises`);
  }
  const report = reports.get(scenario);
  const value = report?.figures[name] ?? report?.ratios[name];
  return typeof value === "number" ? shown(value) : "(not measured)";
}

function machines(reports: Reports): string {
  const lines = ["| machine | CPU | cores | memory | kernel | Node |", "|---|---|---:|---:|---|---|"];
  const rows = new Set<string>();
  for (const report of reports.values()) {
    const { cpu, cores, memoryGiB, kernel, node } = report.host;
    rows.add(`| ${hostKeyOf(report)} | ${cpu} | ${cores} | ${memoryGiB} GiB | ${kernel} | ${node} |`);
  }
  return [...lines, ...rows].join("\n");
}
