/** Starts a trial in a network of its own and hands on what it tells. Needs root; rejects with the reason where that is forbidden. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Progress, TrialOptions, TrialReport } from "./trial.ts";

const program = fileURLToPath(new URL("chaos-process.ts", import.meta.url));

type Line = { readonly progress?: Progress; readonly report?: TrialReport };

export async function runChaos(
  options: TrialOptions,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<TrialReport> {
  // it ends when its standard input does, and with this process
  const command = ["--pdeathsig", "KILL", "--", "unshare", "--net", process.execPath, program, JSON.stringify(options)];
  const child = spawn("setpriv", command, { stdio: ["pipe", "pipe", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-10_000);
  });
  const ended = once(child, "close");
  let report: TrialReport | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    if (line.progress !== undefined) onProgress(line.progress);
    report ??= line.report;
  }
  await ended;
  if (report === undefined) throw new Error(`the trial with seed ${options.seed} ended without a report: ${words}`);
  return report;
}
