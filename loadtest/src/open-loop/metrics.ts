/** What of a result can be asserted and compared, by name. */
import type { LoadResult } from "./result.ts";

export type Metric = {
  /** What an assertion may write behind the number; the first is what is printed. */
  readonly units: Readonly<Record<string, number>>;
  /** "less" is better, or "more". */
  readonly better: "less" | "more";
  readonly of: (result: LoadResult) => number;
  /** What 100 % are, where a share can be asserted. */
  readonly whole?: (result: LoadResult) => number;
};

const time = { units: { ms: 1, s: 1_000, us: 0.001, "": 1 }, better: "less" } as const;
const share = { units: { "": 1 }, better: "less", whole: ({ offered }: LoadResult) => offered } as const;

export const metrics = {
  p50: { ...time, of: ({ latencyMs }) => latencyMs.p50 },
  p90: { ...time, of: ({ latencyMs }) => latencyMs.p90 },
  p99: { ...time, of: ({ latencyMs }) => latencyMs.p99 },
  "p99.9": { ...time, of: ({ latencyMs }) => latencyMs["p99.9"] },
  max: { ...time, of: ({ latencyMs }) => latencyMs.max },
  rate: { units: { "/s": 1, "": 1 }, better: "more", of: ({ reachedPerSecond }) => reachedPerSecond },
  errors: { ...share, of: ({ errorCount }) => errorCount },
  missed: { ...share, of: ({ missed }) => missed.count },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;
