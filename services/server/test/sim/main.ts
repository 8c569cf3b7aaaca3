/**
 * `node services/server/test/sim/main.ts [--runs N] [--seconds N] [--from SEED]` simulates clusters by seeds, one after the other;
 * `--seed S` replays one of them and prints its time line.
 */
import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import { faultsIn, simulate } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    runs: { type: "string", default: "2000" },
    seconds: { type: "string", default: "86400" },
    from: { type: "string" },
  },
});

if (values.seed !== undefined) {
  const run = await simulate({ seed: Number(values.seed), keepLines: true });
  for (const line of run.lines) print(line);
  print(`seed ${run.seed}: ${faultsIn(run) || "no fault"}; ${run.steps} steps, trace ${run.hash}`);
  process.exitCode = faultsIn(run) === "" ? 0 : 1;
} else {
  const from = Number(values.from ?? Math.floor(Math.random() * 2 ** 31));
  const { failed, lines } = await campaign({
    runsMax: Number(values.runs),
    from,
    msMax: Number(values.seconds) * 1_000,
  });
  for (const line of lines) print(line);
  process.exitCode = failed === undefined ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
