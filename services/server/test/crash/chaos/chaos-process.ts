/**
 * A trial in a process of its own, which must be started in a network namespace that is empty (run.ts): its networks and
 * servers end with it. Prints a line of JSON for each progress, and the report.
 */
import { runTrial, type TrialOptions } from "./trial.ts";

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

process.stdin.resume().on("end", () => process.exit(1));
const options = JSON.parse(process.argv[2] ?? "") as TrialOptions;
const report = await runTrial(options, (progress) => print({ progress }));
print({ report });
process.exit(0);
