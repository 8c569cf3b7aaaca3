/**
 * `npm run bench -- SCENARIO [--quick] [--json]`: figures beside what they are compared to, measured in one run.
 * With --json the last line of standard output is one JSON object (docs/bench.md); words go to standard error.
 */
import { parseArgs } from "node:util";
import { describeHost } from "./host.ts";
import { printTable, type Report } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { accountsScenario } from "./scenarios/accounts.ts";
import { deliveryScenario } from "./scenarios/delivery.ts";
import { growthScenario } from "./scenarios/growth.ts";
import { mlsScenario } from "./scenarios/mls.ts";
import { observeScenario } from "./scenarios/observe.ts";
import { planScenario } from "./scenarios/plan.ts";
import { rpcScenario } from "./scenarios/rpc.ts";
import { storeScenario } from "./scenarios/store.ts";
import { transportScenario } from "./scenarios/transport.ts";
import { waitingScenario } from "./scenarios/waiting.ts";

const scenarios: Readonly<Record<string, Scenario>> = {
  accounts: accountsScenario,
  delivery: deliveryScenario,
  growth: growthScenario,
  mls: mlsScenario,
  observe: observeScenario,
  plan: planScenario,
  rpc: rpcScenario,
  store: storeScenario,
  transport: transportScenario,
  waiting: waitingScenario,
};

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
  for (const failure of report.failures ?? []) say(`failed: ${failure}`);
  if ((report.failures ?? []).length > 0) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
