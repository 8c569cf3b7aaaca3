/** A front-end that says what it keeps after a collection of its garbage. */
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ClusterAddress } from "./cluster.ts";
import type { Memory } from "./collecting-server.ts";
import { type FrontEnd, startFrontEnd } from "./front-ends.ts";

/** The longest that a server waits. */
export const waitMs = 600_000;
const lookMs = 100;
/** The last ones are still looking for the first time when they are counted. */
const settleMs = 1_000;

/** qpq-server with that. */
export const collectingProgram = fileURLToPath(new URL("./collecting-server.ts", import.meta.url));

export async function startCollecting(
  cluster: ClusterAddress,
  settings: Readonly<Record<string, number>>,
): Promise<FrontEnd> {
  const options = { program: collectingProgram, settings: { "fetch-wait-ms-max": waitMs, ...settings } };
  return await startFrontEnd(cluster, options);
}

export async function parked(frontEnd: FrontEnd, count: number): Promise<void> {
  while ((await frontEnd.waiters()) < count) await setTimeout(lookMs);
  await setTimeout(settleMs);
}

/** When so many are parked. */
export async function memoryWith(frontEnd: FrontEnd, count: number): Promise<Memory> {
  await parked(frontEnd, count);
  return await collectedMemory(frontEnd);
}

/** Of a front-end that runs collectingProgram. */
export async function collectedMemory(frontEnd: FrontEnd): Promise<Memory> {
  const said = (): string[] => frontEnd.process.log().match(/^\{"event":"bench_memory".*\}$/gm) ?? [];
  const before = said().length;
  void frontEnd.process.kill("SIGUSR2"); // it ends later, by SIGKILL
  while (said().length === before) await setTimeout(lookMs);
  return JSON.parse(said().at(-1) as string) as Memory;
}
