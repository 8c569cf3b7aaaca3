/** What parked fetchWait calls keep in a front-end, over real QUIC. */
import type { ClusterAddress } from "./cluster.ts";
import { memoryWith, startCollecting, waitMs } from "./collecting.ts";
import { startProgram } from "./load.ts";

/** Under callsInFlightMax of a session (4,096). */
const connections = 50;
export type Parked = { readonly heapAndExternalBytes: number; readonly residentBytes: number };

/** A waiter's share, beyond what the same connections keep without them. A fresh front-end each time. */
export async function measureParked(cluster: ClusterAddress, count: number, inboxes: string): Promise<Parked> {
  await using frontEnd = await startCollecting(cluster, { "waiters-max": 2 * count });
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
