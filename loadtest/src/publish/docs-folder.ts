/** Where published figures stand in docs/, and how all that is made of them is written. */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type HistoryLine, historyText, parseHistory } from "./history.ts";
import { historyPlots } from "./history-plots.ts";
import { pageOf, type Reports } from "./page.ts";
import { drawn } from "./plots.ts";
import { readWholeReport } from "./stored-report.ts";

const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));
const historyFile = `${docs}benchmarks/history.csv`;
export const resultsFolder = `${docs}benchmarks/results/`;
const pictures = "public/benchmarks/";

export function readReports(folder = resultsFolder): Reports {
  const files = globSync("*.json", { cwd: folder }).toSorted();
  return new Map(
    files.map((file) => {
      const report = readWholeReport(join(folder, file));
      if (`${report.scenario}.json` !== file) throw new Error(`${file} holds a report of ${report.scenario}`);
      return [report.scenario, report];
    }),
  );
}

export function readHistory(): readonly HistoryLine[] {
  return existsSync(historyFile) ? parseHistory(readFileSync(historyFile, "utf8")) : [];
}

export function writeHistory(lines: readonly HistoryLine[]): void {
  writeFileSync(historyFile, historyText(lines));
}

/** Every file that is made of the results and the history, by its path below docs/. */
export function madeFiles(reports: Reports, history: readonly HistoryLine[]): ReadonlyMap<string, string> {
  const template = readFileSync(new URL("page-template.md", import.meta.url), "utf8");
  const plots = drawn(reports);
  const ofHistory = historyPlots(history);
  return new Map([
    ["benchmarks.md", pageOf({ template, reports, plots, history: ofHistory })],
    ...[...plots.values(), ...ofHistory].map(({ file, svg }) => [pictures + file, `${svg}\n`] as const),
  ]);
}

/** As they lie in docs/ now, for who compares. */
export function filesAsTheyAre(): ReadonlyMap<string, string> {
  const files = ["benchmarks.md", ...globSync(`${pictures}*.svg`, { cwd: docs })];
  return new Map(files.toSorted().map((file) => [file, readFileSync(docs + file, "utf8")]));
}

export function writeMadeFiles(): void {
  const made = madeFiles(readReports(), readHistory());
  mkdirSync(docs + pictures, { recursive: true });
  for (const file of globSync(`${pictures}*.svg`, { cwd: docs })) {
    if (!made.has(join(pictures, basename(file)))) rmSync(docs + file);
  }
  for (const [file, text] of made) writeFileSync(docs + file, text);
}
