/** The thread of an Alarm: waits as long as it is asked to, then tells. */
import { workerData } from "node:worker_threads";
import type { AlarmMemory } from "./alarm.ts";

const { counts, waitMs } = workerData as AlarmMemory;
/** Nobody changes it: what waits on it waits its time. */
const never = new Int32Array(new SharedArrayBuffer(4));

for (let seen = 0; ; ) {
  Atomics.wait(counts, 0, seen);
  // before it tells: who is told may ask again at once
  seen = Atomics.load(counts, 0);
  Atomics.wait(never, 0, 0, waitMs[0]);
  Atomics.add(counts, 1, 1);
  Atomics.notify(counts, 1);
}
