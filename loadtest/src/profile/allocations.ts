/**
 * Loaded into a server that is profiled, ahead of its program (--import): notes how many bytes each of its threads has
 * allocated in V8's heap, and writes that at the end into the folder of QPQ_PROFILE_DIR. What lies outside the heap, as
 * large Buffers do, is not in it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { threadId } from "node:worker_threads";

/** `atUs`: of the monotonic clock. */
export type Allocated = readonly { readonly atUs: number; readonly bytes: number }[];

const everyMs = 100;
const folder = process.env["QPQ_PROFILE_DIR"];
const noted: { atUs: number; bytes: number }[] = [];

if (folder !== undefined) {
  setInterval(() => {
    // the types of Node that we have do not know the field
    const { total_allocated_bytes: bytes } = getHeapStatistics() as unknown as { total_allocated_bytes: number };
    noted.push({ atUs: Number(process.hrtime.bigint() / 1_000n), bytes });
  }, everyMs).unref();
  process.once("exit", () => writeFileSync(join(folder, `allocated-${threadId}.json`), JSON.stringify(noted)));
}
