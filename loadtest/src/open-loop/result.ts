/** What a load measured, as `--json` prints it (docs/bench.md): names stay as they are while schemaVersion does. */
import { encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { describeHost } from "../host.ts";
import type { Bytes } from "./connection-pool.ts";
import type { Measured } from "./drivers.ts";
import type { Plan } from "./plan.ts";
import { missedCode, percentileMs, type Recorder } from "./recorder.ts";

/** Raised when a name changes its meaning or goes; new names may come without. */
export const schemaVersion = 1;

/** In ms. */
export type Percentiles = {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly "p99.9": number;
  readonly max: number;
};

/** Of what was due in it. */
export type Second = {
  /** From the end of the warm-up. */
  readonly second: number;
  /** Answered well, a second. */
  readonly perSecond: number;
  /** null: nothing was. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly errors: number;
  readonly missed: number;
};

export type LoadResult = {
  readonly kind: "load";
  readonly schemaVersion: typeof schemaVersion;
  readonly scenario: string;
  readonly plan: Plan;
  /** ISO 8601, when the load began. */
  readonly startedAt: string;
  readonly host: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  /** Ctrl-C: of the plan only secondsRun were run. */
  readonly endedEarly: boolean;
  readonly secondsRun: number;
  /** All that was due: done + errors + missed. */
  readonly offered: number;
  readonly offeredPerSecond: number;
  readonly done: number;
  readonly reachedPerSecond: number;
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly errorCount: number;
  /** Due while inFlightMax were under way: not begun. */
  readonly missed: { readonly code: typeof missedCode; readonly count: number };
  /** Of what was done, from when it was due. */
  readonly latencyMs: Percentiles;
  /** From when it was begun. */
  readonly serviceMs: Percentiles;
  /** From when it was due until it was begun: what the load itself was late. */
  readonly latenessMs: Percentiles;
  /** Over the wire, with headers and handshakes, warm-up included. */
  readonly bytes: Bytes;
  /** [percentile, ms], to draw the curve. */
  readonly curve: readonly (readonly [percentile: number, ms: number])[];
  readonly series: readonly Second[];
  /** The whole histogram of latencies, in us: base64 of HDR's compressed format, version 2. */
  readonly histogram: string;
};

export type ResultParts = {
  readonly plan: Plan;
  readonly measured: Measured;
  readonly startedAt: Date;
  readonly endedEarly: boolean;
  readonly versions: Readonly<Record<string, string>>;
};

export function resultOf({ plan, measured, startedAt, endedEarly, versions }: ResultParts): LoadResult {
  const { recorder, bytes, secondsRun } = measured;
  const done = recorder.latency.totalCount;
  const offered = done + recorder.errorCount + recorder.missed;
  const perSecond = (count: number): number => (secondsRun === 0 ? 0 : rounded(count / secondsRun));
  return {
    kind: "load",
    schemaVersion,
    scenario: plan.scenario,
    plan,
    startedAt: startedAt.toISOString(),
    host: describeHost(),
    versions,
    endedEarly,
    secondsRun: rounded(secondsRun),
    offered,
    offeredPerSecond: perSecond(offered),
    done,
    reachedPerSecond: perSecond(done),
    errors: recorder.errors,
    errorCount: recorder.errorCount,
    missed: { code: missedCode, count: recorder.missed },
    latencyMs: percentilesOf(recorder.latency),
    serviceMs: percentilesOf(recorder.service),
    latenessMs: percentilesOf(recorder.lateness),
    bytes,
    curve: curveOf(recorder.latency),
    series: seriesOf(recorder),
    histogram: encodeIntoCompressedBase64(recorder.latency),
  };
}

function percentilesOf(histogram: Histogram): Percentiles {
  const at = (p: number): number => percentileMs(histogram, p);
  return { p50: at(50), p90: at(90), p99: at(99), "p99.9": at(99.9), max: at(100) };
}

/** Ten points for each halving of what is left, down to one action. */
function curveOf(histogram: Histogram): readonly (readonly [number, number])[] {
  const curve: [number, number][] = [];
  const count = histogram.totalCount;
  for (let left = 1; left * count >= 1; left /= 2 ** 0.1) {
    const percentile = 100 * (1 - left);
    curve.push([Number(percentile.toFixed(6)), percentileMs(histogram, percentile)]);
  }
  return curve;
}

function seriesOf(recorder: Recorder): readonly Second[] {
  return recorder.stretches().map(({ at, latency, errors, missed }) => {
    const isEmpty = latency.totalCount === 0;
    return {
      second: at * recorder.stretchSeconds,
      perSecond: rounded(latency.totalCount / recorder.stretchSeconds),
      p50Ms: isEmpty ? null : percentileMs(latency, 50),
      p99Ms: isEmpty ? null : percentileMs(latency, 99),
      errors,
      missed,
    };
  });
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
