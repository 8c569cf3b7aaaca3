/** A report that is kept: what was measured, when, of which commit, on which machine. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Report } from "../report.ts";
import { faultsOf } from "../report-names.ts";
import { scenarios } from "../scenarios.ts";

export type StoredReport = Report & {
  /** Made with --quick: shorter windows, fewer runs. */
  readonly quick: boolean;
  /** ISO 8601, when it began. */
  readonly measuredAt: string;
  /** Of git; with `+changes` where the work tree differed; "unknown" outside a repository. */
  readonly commit: string;
};

export type Stamp = Pick<StoredReport, "quick" | "measuredAt" | "commit">;

export function stampOf(quick: boolean, now: Date): Stamp {
  return { quick, measuredAt: now.toISOString(), commit: currentCommit() };
}

/**
 * From a file of one report, or of words with the report in the last line, as --json prints it: of any commit, so its names
 * may be others than today's. Throws where there is none.
 */
export function readReport(file: string): StoredReport {
  const text = readFileSync(file, "utf8").trim();
  const last = text.startsWith("{") ? text : (text.split("\n").at(-1) ?? "");
  try {
    const report = JSON.parse(last) as StoredReport;
    if (typeof report.scenario === "string" && typeof report.figures === "object") return report;
  } catch {
    // said below
  }
  throw new Error(`${file} holds no report; \`npm run bench -- SCENARIO --out FOLDER\` writes one`);
}

/** The report that is to be kept: whole, of a scenario of today, and dated. Throws on every other. */
export function readWholeReport(file: string): StoredReport {
  const report = readReport(file);
  const scenario = scenarios[report.scenario];
  if (scenario === undefined) throw new Error(`${file}: there is no scenario ${report.scenario}`);
  const faults = faultsOf(report, scenario.names);
  if (Number.isNaN(Date.parse(report.measuredAt))) faults.push(`measuredAt is ${report.measuredAt}`);
  if (faults.length > 0) throw new Error(`${file}: ${faults.join("; ")}. Run ${report.scenario} again.`);
  return report;
}

/** Those that are whole; of each other, where a run did not come to its end, `say` is told why it is left out. */
export function wholeReportsOf(files: readonly string[], say: (text: string) => void): StoredReport[] {
  return files.flatMap((file) => {
    try {
      return [readWholeReport(file)];
    } catch (error) {
      say((error as Error).message);
      return [];
    }
  });
}

/** Whole, for machines and for people who compare two commits. */
export function writeReport(file: string, report: StoredReport): void {
  const text = JSON.stringify(report, undefined, 1);
  // a spread or a point of a series in one line
  const inLines = text.replaceAll(
    /\[\n([-\d.e+,\s]+)\]/g,
    (_, numbers: string) => `[${numbers.replaceAll(/\s+/g, "")}]`,
  );
  writeFileSync(file, `${inLines}\n`);
}

/** Figures of two reports are of one machine where this is the same. What runs on it may change: that is what history is for. */
export function hostKeyOf({ host }: Pick<Report, "host">): string {
  const cpu = String(host["cpu"] ?? "unknown")
    .toLowerCase()
    .replaceAll(/\((?:r|tm)\)|@.*$|processor|cpu/g, "")
    .replaceAll(/[^a-z\d]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return `${cpu}-${host["cores"]}c-${host["memoryGiB"]}g`;
}

function currentCommit(): string {
  const cwd = fileURLToPath(new URL("../../..", import.meta.url));
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changes = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+changes";
    return `${git("rev-parse", "--short=10", "HEAD")}${changes}`;
  } catch {
    return "unknown";
  }
}
