/** The thread of Watchdog: looks at the count once a second, and ends the process when one run goes on for too long. */
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";

const { state, seed, secondsMax } = workerData as { state: Int32Array; seed: number; secondsMax: number };
const never = new Int32Array(new SharedArrayBuffer(4));

for (let seen = 0, seconds = 0; ; seconds++) {
  Atomics.wait(never, 0, 0, 1_000);
  const count = Atomics.load(state, 0);
  if (count !== seen || count % 2 === 0) seconds = 0;
  seen = count;
  if (seconds < secondsMax) continue;
  const name = String.fromCharCode(...state.subarray(2)).replaceAll("\0", "");
  writeSync(2, `fuzz: a run of ${name} has not ended for ${secondsMax} s\n`);
  writeSync(2, `fuzz: make it again with --only ${name} --seed ${seed} --from ${state[1]}\n`);
  process.kill(process.pid, "SIGKILL");
}
