/**
 * `npm run test:chaos -- --minutes 60`: the cluster under every fault there is, for so long: front-ends, workers, Redis and
 * Postgres killed, paused, cut off and failed over while clients send and read. Prints the seed, what was done and what
 * was found; with a fault also what happened to the messages concerned, a line an event. Exits 1 then. Needs root.
 *
 *     --minutes N   how long, 3 by default          --seed S   chance by default
 */
import { parseArgs } from "node:util";
import { describeTrial, noTrialFaults, type Progress, runChaos, standardTrial } from "quicproquo-server/chaos";
import { ensureAptPackages, ensurePostgres, ensureRedis } from "./apt.ts";

const barWidth = 30;
/** Where no terminal is. */
const lineEveryMs = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write("chaos: --minutes must be a number above 0, and --seed a whole number\n");
  process.exit(2);
}
ensurePostgres();
ensureRedis();
ensureAptPackages(["iproute2", "nftables"]);

print(`seed ${seed}, ${minutes} min`);
const report = await runChaos(standardTrial({ seed, minutes }), process.stderr.isTTY ? drawBar : tellSometimes());
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
for (const line of describeTrial(report)) print(line);
if (Object.keys(noTrialFaults).some((kind) => report.found[kind as keyof typeof noTrialFaults] > 0)) {
  for (const line of report.lines) print(line);
  print(`again: npm run test:chaos -- --minutes ${minutes} --seed ${seed}`);
  process.exitCode = 1;
}

function drawBar(progress: Progress): void {
  const done = Math.round(barWidth * progress.part);
  const bar = "#".repeat(done) + "-".repeat(barWidth - done);
  process.stderr.write(`\r\x1b[K[${bar}] ${wordsOf(progress)}`);
}

function tellSometimes(): (progress: Progress) => void {
  let toldAtMs = performance.now();
  return (progress) => {
    if (performance.now() - toldAtMs < lineEveryMs) return;
    toldAtMs = performance.now();
    print(wordsOf(progress));
  };
}

function wordsOf({ part, acknowledged, missing, now }: Progress): string {
  return `${Math.floor(100 * part)} %, ${acknowledged} acknowledged, ${missing} on their way${now === "" ? "" : `; ${now}`}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
