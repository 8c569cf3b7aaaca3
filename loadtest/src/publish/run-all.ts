/** `npm run bench -- all --out FOLDER`: every scenario in turn, each in a process of its own; one that fails stops no other. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type RunAll = {
  readonly scenarios: readonly string[];
  readonly folder: string;
  readonly quick: boolean;
  readonly say: (text: string) => void;
  /** Runs one scenario: the bench. */
  readonly program?: string;
};

const bench = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Names of those that failed; what they measured nevertheless is in the folder. */
export async function runAll({ scenarios, folder, quick, say, program = bench }: RunAll): Promise<readonly string[]> {
  const failed: string[] = [];
  const fromMs = performance.now();
  for (const [i, scenario] of scenarios.entries()) {
    say(`\n== ${scenario} (${i + 1} of ${scenarios.length}, after ${minutesSince(fromMs)} min)`);
    const args = [program, scenario, "--out", folder, ...(quick ? ["--quick"] : [])];
    // its table is for people who wait
    const child = spawn(process.execPath, args, { stdio: ["ignore", 2, 2] });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) failed.push(scenario);
  }
  say(
    `\n${scenarios.length - failed.length} of ${scenarios.length} scenarios after ${minutesSince(fromMs)} min: ${folder}`,
  );
  return failed;
}

function minutesSince(fromMs: number): string {
  return ((performance.now() - fromMs) / 60_000).toFixed(1);
}
