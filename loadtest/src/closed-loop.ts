/**
 * So many callers, each with one request under way at a time, for a set time. Counts and times only what begins and
 * ends inside the window behind the warm-up.
 */
import { percentile } from "./report.ts";

export type Window = { readonly warmUpMs: number; readonly windowMs: number };

export type LoopOptions = Window & {
  readonly callers: number;
  /** One request of caller i; resolves when it is answered. */
  readonly request: (caller: number) => Promise<unknown>;
};

export type LoopResult = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
};

export async function closedLoop({ callers, warmUpMs, windowMs, request }: LoopOptions): Promise<LoopResult> {
  const times: number[] = [];
  const fromMs = performance.now() + warmUpMs;
  const toMs = fromMs + windowMs;
  const caller = async (i: number): Promise<void> => {
    for (let beganMs = performance.now(); beganMs < toMs; beganMs = performance.now()) {
      await request(i);
      const endedMs = performance.now();
      if (beganMs >= fromMs && endedMs <= toMs) times.push(endedMs - beganMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, i) => caller(i)));
  times.sort((a, b) => a - b);
  return {
    perSecond: (times.length / windowMs) * 1_000,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    requests: times.length,
  };
}
