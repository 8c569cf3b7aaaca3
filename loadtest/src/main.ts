/**
 * `npm run bench -- SCENARIO [--quick] [--json]`: figures beside what they are compared to, measured in one run.
 * With --json the last line of standard output is one JSON object (docs/bench.md); words go to standard error.
 */
import { parseArgs } from "node:util";
import { describeHost } from "./host.ts";
import { printTable, type Report } from "./report.ts";
import { faultsOf } from "./report-names.ts";
import { scenarios } from "./scenarios.ts";

const everywhere = {
  quick: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

async function main(args: readonly string[]): Promise<void> {
  const scenario = scenarios[args.find((arg) => Object.hasOwn(scenarios, arg)) ?? ""];
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { ...everywhere, ...scenario?.options },
    allowPositionals: true,
  });
  const [name] = positionals;
  if (values.help === true || name === undefined || scenario === undefined) {
    const list = Object.entries(scenarios).map(([each, { doc }]) => `  ${each.padEnd(10)}${doc}`);
    process.stderr.write(`npm run bench -- SCENARIO [--quick] [--json]\n\n${list.join("\n")}\n`);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const host = describeHost();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const result = await scenario.run({ quick: values.quick === true, flags: values, say });
  const report: Report = { scenario: name, host, ...result };
  if (values.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printTable(report);
  // said after the report: what was measured is not lost
  const failures = [...(report.failures ?? []), ...faultsOf(report, scenario.names)];
  for (const failure of failures) say(`failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
