/** What `npm run bench --` does besides its scenarios: an open loop; and with reports: publish, append to the history, compare. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { open } from "../open-command.ts";
import { scenarios } from "../scenarios.ts";
import { compare, comparison, type Sides } from "./compare.ts";
import { readHistory, resultsFolder, writeHistory, writeMadeFiles } from "./docs-folder.ts";
import { appended } from "./history.ts";
import { readReport, readWholeReport, wholeReportsOf, writeReport } from "./stored-report.ts";

export type Command = {
  /** What stands behind the name, and what it does. */
  readonly usage: string;
  readonly doc: string;
  /** Throws UsageError where the arguments make no sense. */
  readonly run: (args: readonly string[]) => void | Promise<void>;
};

export class UsageError extends Error {}

export const commands: Readonly<Record<string, Command>> = {
  open: {
    usage: "open SCENARIO [--store cluster] [--rate N ...]",
    doc: "what qpq bench does, against a server of its own; open --help",
    run: open,
  },
  publish: {
    usage: "publish [FOLDER | REPORT.json ...]",
    doc: "keeps the reports (of a folder, all that are there) in docs/benchmarks/results and makes docs/benchmarks.md and its plots of all that are there",
    run(args) {
      const reports = args.flatMap(filesOf).map(readWholeReport);
      mkdirSync(resultsFolder, { recursive: true });
      for (const report of reports) writeReport(join(resultsFolder, `${report.scenario}.json`), report);
      writeMadeFiles();
    },
  },
  history: {
    usage: "history REPORT.json ...",
    doc: "appends the figures of the reports to docs/benchmarks/history.csv and makes the page and its plots again",
    run(args) {
      if (args.length === 0) throw new UsageError("no report is named");
      writeHistory(
        appended(
          readHistory(),
          wholeReportsOf(args, (text) => process.stderr.write(`left out: ${text}\n`)),
        ),
      );
      writeMadeFiles();
    },
  },
  compare: {
    usage: "compare --base REPORT.json ... --branch REPORT.json ...",
    doc: "says in Markdown what differs by more than 5 runs of one side do; never a failure",
    run(args) {
      process.stdout.write(comparison(compare(sidesOf(args))));
    },
  },
};

/** Of a folder, what `--out` wrote there; other files in it are other things. */
function filesOf(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return Object.keys(scenarios)
    .map((scenario) => join(path, `${scenario}.json`))
    .filter((file) => existsSync(file));
}

function sidesOf(args: readonly string[]): Sides {
  const sides: Record<keyof Sides, ReturnType<typeof readReport>[]> = { base: [], branch: [] };
  let side: keyof Sides | undefined;
  for (const word of args) {
    if (word === "--base" || word === "--branch") side = word.slice(2) as keyof Sides;
    else if (side === undefined) throw new UsageError(`--base or --branch stands before ${word}`);
    else sides[side].push(readReport(word));
  }
  if (sides.base.length === 0 || sides.branch.length === 0) throw new UsageError("at least one report of each side");
  return sides;
}
