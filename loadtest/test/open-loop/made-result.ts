/** A result without a load: 1,000 actions due in 10 s, of which 5 failed and 5 were missed; latencies of 1 to 990 ms. */
import { type Plan, planOf } from "../../src/open-loop/plan.ts";
import { Recorder } from "../../src/open-loop/recorder.ts";
import { type LoadResult, resultOf } from "../../src/open-loop/result.ts";

export function madeResult({ scale = 1, plan = {} }: { scale?: number; plan?: Partial<Plan> } = {}): LoadResult {
  const recorder = new Recorder(10);
  for (let n = 0; n < 990; n++) {
    const dueMs = n * 10;
    recorder.done({ dueMs, beganMs: dueMs + 0.5, endedMs: dueMs + (n + 1) * scale });
  }
  for (let n = 0; n < 5; n++) {
    recorder.failed(n * 1_000, n < 3 ? "E018_RATE_LIMIT" : "E028_DEADLINE");
    recorder.missedAt(n * 1_000);
  }
  return resultOf({
    plan: { ...planOf("enqueue", { rate: "100", duration: "10s" }), ...plan },
    measured: { recorder, bytes: { in: 1_000, out: 2_000 }, secondsRun: 10 },
    startedAt: new Date(0),
    endedEarly: false,
    versions: { qpq: "0.0.0" },
  });
}
