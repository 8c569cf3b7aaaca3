/**
 * How figures went from commit to commit: one line a figure in a CSV file that stands in the repository. Old lines go when a
 * figure has more than enough of them, so the file stays below some megabytes.
 */
import { hostKeyOf, type StoredReport } from "./stored-report.ts";

export type HistoryLine = {
  /** ISO 8601. */
  readonly date: string;
  readonly commit: string;
  /** Of hostKeyOf: only lines of one machine say anything about each other. */
  readonly host: string;
  readonly quick: boolean;
  readonly scenario: string;
  readonly figure: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
};

const columns = ["date", "commit", "host", "quick", "scenario", "figure", "median", "min", "max"] as const;
const header = columns.join(",");
/** Of one figure on one machine. */
export const linesMax = 300;

/** Throws on a line that is none, with its number. */
export function parseHistory(text: string): HistoryLine[] {
  const [first, ...lines] = text.trimEnd().split("\n");
  if (first !== header) throw new Error(`the history begins with ${header}`);
  return lines.map((line, i) => {
    const words = line.split(",");
    const [date = "", commit = "", host = "", quick, scenario = "", figure = "", ...numbers] = words;
    const [median = Number.NaN, min = Number.NaN, max = Number.NaN] = numbers.map(Number);
    const isWhole =
      words.length === columns.length && !Number.isNaN(Date.parse(date)) && min <= median && median <= max;
    if (!isWhole) throw new Error(`line ${i + 2} of the history is not ${header}: ${line}`);
    return { date, commit, host, quick: quick === "quick", scenario, figure, median, min, max };
  });
}

/** The history with what was measured; a report that it has already changes nothing. */
export function appended(history: readonly HistoryLine[], reports: readonly StoredReport[]): HistoryLine[] {
  const known = new Set(history.map(identityOf));
  const fresh = reports.flatMap(linesOf).filter((line) => !known.has(identityOf(line)));
  const all = [...history, ...fresh];
  const counts = new Map<string, number>();
  // the newest of each, counted from the end
  const kept = all.toReversed().filter((line) => {
    const count = (counts.get(joinKeyOf(line)) ?? 0) + 1;
    counts.set(joinKeyOf(line), count);
    return count <= linesMax;
  });
  return kept.toReversed();
}

export function historyText(lines: readonly HistoryLine[]): string {
  const row = (line: HistoryLine): string =>
    columns.map((column) => (column === "quick" ? (line.quick ? "quick" : "full") : line[column])).join(",");
  return `${[header, ...lines.map(row)].join("\n")}\n`;
}

/** Lines of which this is the same may be joined. */
export function joinKeyOf({ host, quick, scenario, figure }: HistoryLine): string {
  return [host, quick, scenario, figure].join(" ");
}

function identityOf(line: HistoryLine): string {
  return `${line.date} ${line.commit} ${joinKeyOf(line)}`;
}

function linesOf(report: StoredReport): HistoryLine[] {
  const { measuredAt: date, commit, quick, scenario, spread } = report;
  const host = hostKeyOf(report);
  return Object.entries({ ...report.figures, ...report.ratios }).flatMap(([figure, value]) => {
    if (value === null) return [];
    const [min, , max] = (spread[figure] ?? [value, value, value]).map(fewDigits) as [number, number, number];
    // a spread may be of runs and the figure of all of them together: it is never outside of its own line
    const median = fewDigits(value);
    return [
      { date, commit, host, quick, scenario, figure, median, min: Math.min(min, median), max: Math.max(max, median) },
    ];
  });
}

const fewDigits = (value: number): number => Number(value.toPrecision(5));
