/** Results of one plan on two sides: ratios with the spread of their runs, and what got worse by more than the tolerance. */
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { QpqError } from "quicproquo-proto";
import { spreadOf } from "../report.ts";
import { type Metric, type MetricName, metrics } from "./metrics.ts";
import { type LoadResult, schemaVersion } from "./result.ts";

export type CompareOptions = {
  /** 0.1: a tenth worse is let pass. */
  readonly tolerance: number;
  /** Compare also what is of different plans. */
  readonly force: boolean;
};

type Spread = readonly [min: number, median: number, max: number];

export type ComparedMetric = {
  readonly metric: MetricName;
  readonly before: Spread;
  readonly after: Spread;
  /** after / before, of the medians and of the runs farthest apart; null: before is 0. */
  readonly ratio: Spread | null;
  readonly isWorse: boolean;
};

/** E083_PLANS_DIFFER names what of the plans differs. */
export function compareLoads(
  before: readonly LoadResult[],
  after: readonly LoadResult[],
  { tolerance, force }: CompareOptions,
): readonly ComparedMetric[] {
  const different = differingPlans([...before, ...after]);
  if (different.length > 0 && !force) {
    const text = `${different.join(", ")} differ; next: run both with the same flags, or compare with --force`;
    throw new QpqError("E083_PLANS_DIFFER", { text });
  }
  return (Object.keys(metrics) as MetricName[]).map((name) => {
    const metric: Metric = metrics[name];
    const [from, to] = [spreadOf(before.map(metric.of)), spreadOf(after.map(metric.of))];
    const ratio: Spread | null = from[0] > 0 ? [to[0] / from[2], to[1] / from[1], to[2] / from[0]] : null;
    const isWorse = metric.better === "less" ? to[1] > from[1] * (1 + tolerance) : to[1] < from[1] * (1 - tolerance);
    // the slowest of all is one action: it is shown and judges nothing
    return { metric: name, before: from, after: to, ratio, isWorse: isWorse && name !== "max" };
  });
}

/** One result a line, as `--json` prints them: several are runs of one side. E048_USAGE. */
export function readResults(file: string): readonly LoadResult[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "error";
    throw new QpqError("E048_USAGE", { text: `${file} cannot be read (${code})`, cause: error });
  }
  const results = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => parsed(line, file));
  if (results.length > 0) return results;
  throw new QpqError("E048_USAGE", { text: `${file} is empty; qpq bench SCENARIO --json writes what it takes` });
}

function parsed(line: string, file: string): LoadResult {
  let value: Partial<LoadResult> | undefined;
  try {
    value = JSON.parse(line);
  } catch {
    // told below
  }
  if (value?.kind !== "load") {
    throw new QpqError("E048_USAGE", { text: `${file} has no results of qpq bench SCENARIO --json` });
  }
  if (value.schemaVersion === schemaVersion) return value as LoadResult;
  const text = `${file} has results of schemaVersion ${value.schemaVersion}; this program knows ${schemaVersion}`;
  throw new QpqError("E048_USAGE", { text });
}

/** Names of what of the plans is not alike: all but the seed, by which runs of one plan are meant to differ. */
function differingPlans(results: readonly LoadResult[]): readonly string[] {
  const [first] = results;
  if (first === undefined) return [];
  const names = new Set(results.flatMap(({ plan }) => Object.keys(plan)));
  names.delete("seed");
  const of = (result: LoadResult, name: string): unknown => (result.plan as Record<string, unknown>)[name];
  return [...names].filter((name) => results.some((each) => !isDeepStrictEqual(of(each, name), of(first, name))));
}
