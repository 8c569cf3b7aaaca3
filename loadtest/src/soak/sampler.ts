/** Looks at everything of a soak that could grow, and writes it into its recording. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Crowd } from "../crowd/crowd.ts";
import type { Cluster } from "../delivery/cluster.ts";
import { collectedMemory } from "../delivery/collecting.ts";
import type { FrontEnd } from "../delivery/front-ends.ts";
import { percentileMs } from "../open-loop/recorder.ts";
import { openFilesOf, residentBytesOf } from "../process-facts.ts";
import type { Recording } from "./recording.ts";

export type SampledParts = {
  readonly frontEnds: readonly FrontEnd[];
  readonly cluster: Cluster | undefined;
  readonly crowd: Crowd;
  readonly recording: Recording;
};

const mb = 2 ** 20;

/** `collects`: front-ends collect their garbage, and then say what their heap holds. */
export async function sample({ frontEnds, cluster, crowd, recording }: SampledParts, collects: boolean): Promise<void> {
  for (const [i, frontEnd] of frontEnds.entries()) {
    const { pid, dataDir } = frontEnd.process;
    recording.add("rss_mb", residentBytesOf(pid) / mb, i + 1);
    recording.add("handles", openFilesOf(pid), i + 1);
    if (collects) recording.add("heap_mb", (await collectedMemory(frontEnd)).heapBytes / mb, i + 1);
    if (cluster === undefined) recording.add("store_mb", folderBytes(dataDir) / mb);
  }
  if (cluster !== undefined) {
    const { tablesBytes, walBytes, redisBytes } = await cluster.sizes();
    recording.add("tables_mb", tablesBytes / mb);
    recording.add("wal_mb", walBytes / mb);
    recording.add("redis_mb", redisBytes / mb);
  }
  const latency = await crowd.latencies();
  if (latency.totalCount === 0) return;
  recording.add("p50_ms", percentileMs(latency, 50));
  recording.add("p99_ms", percentileMs(latency, 99));
}

/** With its folders; what goes meanwhile does not count. */
function folderBytes(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).reduce((sum, entry) => {
    if (!entry.isFile()) return sum;
    return sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}
