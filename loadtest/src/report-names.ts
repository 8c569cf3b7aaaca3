/**
 * The names a scenario promises, as data, so that a figure is never lost unseen: a report has each of them and no others, and
 * what it could not measure is null with a reason among the notes.
 *
 * A reason is a note that begins with the names it is about, as in `rabbitmq_*, enqueue_vs_rabbitmq: not with --quick`.
 */
import type { Report } from "./report.ts";

export type ReportNames = {
  readonly figures: readonly string[];
  /** ours / the other */
  readonly ratios: readonly string[];
};

type Named = Pick<Report, "figures" | "ratios" | "spread" | "notes">;

/** What is wrong with a report, each in a sentence; none if nothing is. */
export function faultsOf(report: Named, names: ReportNames): string[] {
  return [
    ...faultsIn("figures", report, names),
    ...faultsIn("ratios", report, names),
    ...Object.entries(report.spread)
      .filter(([, values]) => !isSpread(values))
      .map(([name, values]) => `the spread of ${name} is not min, median, max: ${values.join(", ")}`),
  ];
}

function faultsIn(kind: "figures" | "ratios", report: Named, names: ReportNames): string[] {
  const rows = report[kind];
  const lost = names[kind].filter((name) => !Object.hasOwn(rows, name)).map((name) => `${kind} lack ${name}`);
  const unknown = Object.keys(rows)
    .filter((name) => !names[kind].includes(name))
    .map((name) => `${kind} have ${name}, which the scenario does not promise`);
  const unclear = Object.entries(rows).flatMap(([name, value]) => {
    if (value === null) return reasonFor(name, report.notes) === undefined ? [`${name} is null, no note says why`] : [];
    return Number.isFinite(value) ? [] : [`${name} is ${value}`];
  });
  return [...lost, ...unknown, ...unclear];
}

function isSpread([min, middle, max]: readonly [number, number, number]): boolean {
  return min <= middle && middle <= max && Number.isFinite(min) && Number.isFinite(max);
}

/** The words behind the names; undefined: no note is about this one. */
export function reasonFor(name: string, notes: readonly string[]): string | undefined {
  for (const note of notes) {
    const colon = note.indexOf(": ");
    if (colon < 0) continue;
    const patterns = note.slice(0, colon).split(/,\s*/);
    if (patterns.some((pattern) => matches(pattern, name))) return note.slice(colon + 2);
  }
  return undefined;
}

function matches(pattern: string, name: string): boolean {
  const literal = pattern.replaceAll(/[^\w*]/g, "").replaceAll("*", "\\w*");
  return literal !== "" && new RegExp(`^${literal}$`).test(name);
}
