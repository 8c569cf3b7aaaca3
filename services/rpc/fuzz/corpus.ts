/** Inputs in files: a corpus that is played back before anything new is tried, and where new findings go. */
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Found } from "./campaign.ts";
import { type Input, textOf } from "./input.ts";
import { run } from "./run.ts";
import type { Target } from "./target.ts";
import { listenForUnhandled } from "./unhandled.ts";

export function readCorpus(folder: string): readonly (readonly [file: string, text: string])[] {
  return globSync("*.txt", { cwd: folder })
    .sort()
    .map((file) => [file, readFileSync(join(folder, file), "utf8")] as const);
}

/** Answers the file's path. */
export function writeFound(folder: string, { input, finding, run: number }: Found, seed: number): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${input.target}-${finding.kind}-${seed}-${number}.txt`);
  writeFileSync(path, textOf(input, [`${finding.kind}: ${finding.message.split("\n")[0]}`]));
  return path;
}

/** Throws what the input makes the session do wrong. */
export async function replay(targets: readonly Target[], input: Input): Promise<void> {
  const target = targets.find(({ name }) => name === input.target);
  if (target === undefined) throw new RangeError(`there is no target ${input.target}`);
  using _listening = listenForUnhandled();
  const { finding } = await run(target, input);
  if (finding !== undefined) throw finding;
}
