/** What a bench hands out: medians with their spread; a figure that could not be measured is null with its reason. */
export type Report = {
  readonly scenario: string;
  readonly host: Readonly<Record<string, string | number>>;
  /** Unit in the name. */
  readonly figures: Readonly<Record<string, number | null>>;
  /** ours / the other, of the same run. */
  readonly ratios: Readonly<Record<string, number | null>>;
  readonly runs: number;
  /** min, median, max over the runs. */
  readonly spread: Readonly<Record<string, readonly [number, number, number]>>;
  readonly notes: readonly string[];
  /** What was measured over time or by rate, for plots: units of both axes in the name, e.g. `rss_mb_by_minute`. */
  readonly series?: Readonly<Record<string, readonly (readonly [x: number, y: number])[]>>;
  /** What a scenario that judges found wanting; any makes the exit code 1. */
  readonly failures?: readonly string[];
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function spreadOf(values: readonly number[]): readonly [number, number, number] {
  return [Math.min(...values), median(values), Math.max(...values)];
}

/** Of values sorted ascending; p from 0 to 1. */
export function percentile(sorted: readonly number[] | Float64Array, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

export function printTable(report: Report): void {
  const width = Math.max(36, ...Object.keys({ ...report.figures, ...report.ratios }).map((name) => name.length + 1));
  const lines = [`${report.scenario}, ${report.runs} runs, medians [min .. max]`, ""];
  for (const [title, rows] of [
    ["figures", report.figures],
    ["ratios (ours / the other)", report.ratios],
  ] as const) {
    lines.push(title);
    for (const [name, value] of Object.entries(rows)) {
      const spread = report.spread[name];
      const range = spread === undefined ? "" : `  [${shown(spread[0])} .. ${shown(spread[2])}]`;
      lines.push(`  ${name.padEnd(width)}${(value === null ? "not measured" : shown(value)).padStart(12)}${range}`);
    }
    lines.push("");
  }
  for (const [name, value] of Object.entries(report.host)) lines.push(`${name.padEnd(12)}${value}`);
  for (const note of report.notes) lines.push(`note: ${note}`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** With as many digits as are worth reading. */
export function shown(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString("en");
  if (Number.isInteger(value)) return String(value);
  // what is small has its digits behind zeros
  return Math.abs(value) < 0.1 ? String(Number(value.toPrecision(2))) : value.toFixed(2);
}
