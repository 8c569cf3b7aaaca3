/** Starts a trial in namespaces of its own and hands on what it tells. Needs root; rejects with the reason where that is forbidden. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DiskReport, DiskTrialOptions } from "./full-disk.ts";
import type { Progress, TrialOptions, TrialReport } from "./trial.ts";

/** In a network of its own. */
export async function runChaos(
  options: TrialOptions,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<TrialReport> {
  return await runAlone<TrialReport, Progress>("chaos-process.ts", { namespace: "--net", options, onProgress });
}

/** With mounts of its own. */
export async function runFullDisk(options: DiskTrialOptions): Promise<DiskReport> {
  return await runAlone("full-disk-process.ts", { namespace: "--mount", options, onProgress: () => undefined });
}

type Run<P> = {
  readonly namespace: "--net" | "--mount";
  readonly options: { readonly seed: number };
  readonly onProgress: (progress: P) => void;
};
type Line<R, P> = { readonly progress?: P; readonly report?: R };

async function runAlone<R, P>(file: string, { namespace, options, onProgress }: Run<P>): Promise<R> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  // it ends when its standard input does, and with this process
  const words = ["--pdeathsig", "KILL", "--", "unshare", namespace, process.execPath, program, JSON.stringify(options)];
  const child = spawn("setpriv", words, { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-10_000);
  });
  const ended = once(child, "close");
  let report: R | undefined;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line<R, P>;
    if (line.progress !== undefined) onProgress(line.progress);
    report ??= line.report;
  }
  await ended;
  if (report === undefined) throw new Error(`the trial with seed ${options.seed} ended without a report: ${errors}`);
  return report;
}
