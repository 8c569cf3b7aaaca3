/**
 * `node scripts/bench-compare.ts --base FILE ... --branch FILE ...`: reports of `npm run bench -- SCENARIO --json` of two
 * sides, several of each, as a table in Markdown: medians, and whether the change is more than what runs of one side differ
 * by. Figures of a shared machine are good to a factor of two: nothing here is a verdict.
 */
import { readFileSync } from "node:fs";

type Report = {
  readonly scenario: string;
  readonly figures: Readonly<Record<string, number | null>>;
  readonly ratios: Readonly<Record<string, number | null>>;
};
type Side = "base" | "branch";

const sides: Record<Side, Report[]> = { base: [], branch: [] };
let side: Side | undefined;
for (const word of process.argv.slice(2)) {
  if (word === "--base" || word === "--branch") side = word.slice(2) as Side;
  else if (side === undefined) usage();
  else sides[side].push(reportIn(word));
}
if (sides.base.length === 0 || sides.branch.length === 0) usage();

const scenarios = new Set([...sides.base, ...sides.branch].map(({ scenario }) => scenario));
for (const scenario of scenarios) process.stdout.write(`${tableOf(scenario).join("\n")}\n`);

function tableOf(scenario: string): string[] {
  const lines = [`### ${scenario}`, "", "| figure | base | branch | change | |", "|---|---:|---:|---:|---|"];
  const names = new Set(
    [...sides.base, ...sides.branch].filter((report) => report.scenario === scenario).flatMap(namesIn),
  );
  for (const name of names) {
    const base = valuesOf("base", scenario, name);
    const branch = valuesOf("branch", scenario, name);
    if (base.length === 0 || branch.length === 0) {
      lines.push(`| ${name} | ${shown(base)} | ${shown(branch)} | | not measured on both |`);
      continue;
    }
    const change = (100 * (median(branch) - median(base))) / median(base);
    const apart = Math.max(...base) < Math.min(...branch) || Math.max(...branch) < Math.min(...base);
    const words = apart ? "apart from every run of the other" : "";
    lines.push(`| ${name} | ${shown(base)} | ${shown(branch)} | ${change.toFixed(1)} % | ${words} |`);
  }
  return [...lines, ""];
}

function namesIn({ figures, ratios }: Report): string[] {
  return [...Object.keys(figures), ...Object.keys(ratios)];
}

function valuesOf(of: Side, scenario: string, name: string): number[] {
  return sides[of]
    .filter((report) => report.scenario === scenario)
    .map(({ figures, ratios }) => figures[name] ?? ratios[name])
    .filter((value) => typeof value === "number");
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function shown(values: readonly number[]): string {
  return values.length === 0 ? "" : Number(median(values).toPrecision(4)).toLocaleString("en");
}

/** The report is the last line; words may stand before it. */
function reportIn(file: string): Report {
  return JSON.parse(readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "") as Report;
}

function usage(): never {
  process.stderr.write("bench-compare: --base FILE ... --branch FILE ..., at least one of each\n");
  process.exit(2);
}
