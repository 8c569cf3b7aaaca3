/** What parked fetchWait calls keep in a front-end, over real QUIC. */
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ClusterAddress } from "./cluster.ts";
import type { Memory } from "./collecting-server.ts";
import { type FrontEnd, startFrontEnd } from "./front-ends.ts";
import { startProgram } from "./load.ts";

/** Under callsInFlightMax of a session (4,096). */
const connections = 50;
/** The longest that a server waits. */
const waitMs = 600_000;
const lookMs = 100;
/** The last ones are still looking for the first time when they are counted. */
const settleMs = 1_000;

export type Parked = { readonly heapAndExternalBytes: number; readonly residentBytes: number };

/** A waiter's share, beyond what the same connections keep without them. A fresh front-end each time. */
export async function measureParked(cluster: ClusterAddress, count: number, inboxes: string): Promise<Parked> {
  await using frontEnd = await startFrontEnd(cluster, {
    program: fileURLToPath(new URL("./collecting-server.ts", import.meta.url)),
    settings: { "waiters-max": 2 * count, "fetch-wait-ms-max": waitMs },
  });
  await using load = startProgram("wait");
  await load.ask("connect", { frontEnds: [frontEnd.address], connections });
  // what the first calls cost once: code compiled, tables grown
  const before = connections * 20;
  await load.ask("park", { inboxes: `${inboxes} first`, count: before, waitMs });
  const from = await memoryWith(frontEnd, before);
  await load.ask("park", { inboxes, count, waitMs });
  const to = await memoryWith(frontEnd, before + count);
  return {
    heapAndExternalBytes: (to.heapBytes + to.externalBytes - from.heapBytes - from.externalBytes) / count,
    residentBytes: (to.residentBytes - from.residentBytes) / count,
  };
}

/** When so many are parked. */
async function memoryWith(frontEnd: FrontEnd, parked: number): Promise<Memory> {
  while ((await frontEnd.waiters()) < parked) await setTimeout(lookMs);
  await setTimeout(settleMs);
  const said = (): string[] => frontEnd.process.log().match(/^\{"event":"bench_memory".*\}$/gm) ?? [];
  const before = said().length;
  void frontEnd.process.kill("SIGUSR2"); // it ends later, by SIGKILL
  while (said().length === before) await setTimeout(lookMs);
  return JSON.parse(said().at(-1) as string) as Memory;
}
