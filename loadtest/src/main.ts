/**
 * `npm run bench -- SCENARIO [--quick] [--json] [--out FOLDER]`: figures beside what they are compared to, measured in one
 * run. With --json the last line of standard output is one JSON object (docs/bench.md); words go to standard error.
 * `npm run bench -- all --out FOLDER` runs every scenario; publish, history and compare work with what was measured.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { QpqError } from "quicproquo-proto";
import { describeHost } from "./host.ts";
import { commands, UsageError } from "./publish/commands.ts";
import { runAll } from "./publish/run-all.ts";
import { stampOf, type StoredReport, writeReport } from "./publish/stored-report.ts";
import { printTable } from "./report.ts";
import { faultsOf } from "./report-names.ts";
import { scenarios } from "./scenarios.ts";

const everywhere = {
  quick: { type: "boolean" },
  json: { type: "boolean" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(args: readonly string[]): Promise<void> {
  const command = commands[args[0] ?? ""];
  if (command !== undefined) return command.run(args.slice(1));
  const scenario = scenarios[args.find((arg) => Object.hasOwn(scenarios, arg)) ?? ""];
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...everywhere, ...scenario?.options },
    allowPositionals: true,
  });
  const [name] = positionals;
  const quick = values.quick === true;
  if (name === "all" && values.out !== undefined && values.help !== true) {
    const failed = await runAll({ scenarios: Object.keys(scenarios), folder: values.out, quick, say });
    for (const each of failed) say(`failed: ${each}`);
    if (failed.length > 0) process.exitCode = 1;
    return;
  }
  if (values.help === true || name === undefined || scenario === undefined) {
    say(usage());
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const [host, stamp] = [describeHost(), stampOf(quick, new Date())];
  const result = await scenario.run({ quick, flags: values, say });
  const report: StoredReport = { scenario: name, host, ...stamp, ...result };
  if (values.out !== undefined) {
    mkdirSync(values.out, { recursive: true });
    writeReport(join(values.out, `${name}.json`), report);
  }
  if (values.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printTable(report);
  // said after the report: what was measured is not lost
  const failures = [...(report.failures ?? []), ...faultsOf(report, scenario.names)];
  for (const failure of failures) say(`failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function usage(): string {
  const lines = [
    "npm run bench -- SCENARIO [--quick] [--json] [--out FOLDER]",
    "",
    ...Object.entries(scenarios).map(([each, { doc }]) => `  ${each.padEnd(14)}${doc}`),
    "",
    "npm run bench -- all --out FOLDER [--quick]",
    "  every scenario in turn; each writes FOLDER/SCENARIO.json",
    ...Object.values(commands).flatMap((each) => ["", `npm run bench -- ${each.usage}`, `  ${each.doc}`]),
  ];
  return lines.join("\n");
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof UsageError) {
    say(`bench: ${error.message}\n\n${usage()}`);
    process.exitCode = 2;
    return;
  }
  if (error instanceof QpqError) {
    say(`bench: ${error.reason}`);
    process.exitCode = error.code === "E048_USAGE" ? 2 : 1;
    return;
  }
  say(`bench: ${(error as Error).stack ?? String(error)}`);
  process.exitCode = 1;
});
