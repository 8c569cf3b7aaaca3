/**
 * Reports of two sides, several of each by turns on one machine: what differs by more than runs of one side differ among
 * themselves. Figures of a shared machine are good to a factor of two; only what lies beyond that is said, and nobody fails
 * by it.
 */
import { type Report, shown, spreadOf } from "../report.ts";
import { type Direction, directionOf } from "./direction.ts";

export type Sides = Readonly<Record<"base" | "branch", readonly Pick<Report, "scenario" | "figures" | "ratios">[]>>;

type Spread = readonly [min: number, median: number, max: number];
type Verdict = "better" | "worse" | "other" | "within";

export type Compared = {
  readonly scenario: string;
  readonly name: string;
  /** Of the runs; undefined: not measured. */
  readonly base: Spread | undefined;
  readonly branch: Spread | undefined;
  /** undefined: not measured on both, or with fewer runs than a judgement needs. */
  readonly verdict: Verdict | undefined;
};

/** With fewer, runs of one side lie apart from those of the other by chance. */
const runsMin = 5;

export function compare(sides: Sides): Compared[] {
  const all = [...sides.base, ...sides.branch];
  const names = new Set(
    all.flatMap(({ scenario, figures, ratios }) =>
      [...Object.keys(figures), ...Object.keys(ratios)].map((name) => JSON.stringify([scenario, name])),
    ),
  );
  return [...names].map((pair) => {
    const [scenario, name] = JSON.parse(pair) as [string, string];
    const base = valuesOf(sides.base, scenario, name);
    const branch = valuesOf(sides.branch, scenario, name);
    const isJudged = base.length >= runsMin && branch.length >= runsMin;
    const [from, to] = [base, branch].map((values) => (values.length === 0 ? undefined : spreadOf(values)));
    const verdict = isJudged && from !== undefined && to !== undefined ? judge(from, to, directionOf(name)) : undefined;
    return { scenario, name, base: from, branch: to, verdict };
  });
}

/**
 * Beyond noise: no run of one side reaches one of the other, and the medians are farther apart than runs of either side.
 * Of five and five runs of the same thing the first alone happens by chance to 1 figure in 126.
 */
function judge(base: Spread, branch: Spread, direction: Direction): Verdict {
  const apart = base[2] < branch[0] || branch[2] < base[0];
  const change = branch[1] - base[1];
  if (!apart || Math.abs(change) <= Math.max(base[2] - base[0], branch[2] - branch[0])) return "within";
  if (direction === "neither") return "other";
  return change > 0 === (direction === "more") ? "better" : "worse";
}

function valuesOf(reports: Sides["base"], scenario: string, name: string): readonly number[] {
  return reports
    .filter((report) => report.scenario === scenario)
    .map(({ figures, ratios }) => figures[name] ?? ratios[name])
    .filter((value) => typeof value === "number");
}

/** In Markdown: first what lies beyond noise, then every figure. */
export function comparison(compared: readonly Compared[]): string {
  const beyond = compared.filter(({ verdict }) => verdict !== undefined && verdict !== "within");
  const judged = compared.some(({ verdict }) => verdict !== undefined);
  const words = !judged
    ? `Nothing is judged: that takes ${runsMin} runs of each side.`
    : beyond.length === 0
      ? "Nothing differs by more than runs of one side do."
      : `${beyond.length} of ${compared.length} figures differ by more than runs of one side do:`;
  const head = ["| figure | base | branch | change | |", "|---|---:|---:|---:|---|"];
  const lines = [words, "", ...(beyond.length === 0 ? [] : [...head, ...beyond.map((each) => row(each, true)), ""])];
  for (const scenario of new Set(compared.map((each) => each.scenario))) {
    const rows = compared.filter((each) => each.scenario === scenario).map((each) => row(each, false));
    lines.push(`### ${scenario}`, "", ...head, ...rows, "");
  }
  return `${lines.join("\n")}\n`;
}

function row({ scenario, name, base, branch, verdict }: Compared, withScenario: boolean): string {
  const cell = (of: Spread | undefined): string =>
    of === undefined ? "" : `${shown(of[1])} [${shown(of[0])} .. ${shown(of[2])}]`;
  const change = base === undefined || branch === undefined ? "" : changeOf(base[1], branch[1]);
  const word = base === undefined || branch === undefined ? "not measured on both" : wordOf[verdict ?? "within"];
  return `| ${withScenario ? `${scenario}: ` : ""}${name} | ${cell(base)} | ${cell(branch)} | ${change} | ${word} |`;
}

const wordOf: Readonly<Record<Verdict, string>> = {
  better: "**better**",
  worse: "**worse**",
  other: "**differs**",
  within: "",
};

function changeOf(base: number, branch: number): string {
  if (base === 0) return "";
  const percent = (100 * (branch - base)) / base;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)} %`;
}
