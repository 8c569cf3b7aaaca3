/** What several drivers recorded adds up to what one would have recorded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Histogram } from "hdr-histogram-js";
import { percentileMs, Recorder } from "../../src/open-loop/recorder.ts";

/** Latencies of 0.05 ms to 50 s, many of them short. */
function fill(recorders: readonly Recorder[]): void {
  for (let n = 0; n < 20_000; n++) {
    const recorder = recorders[n % recorders.length] as Recorder;
    const dueMs = n;
    const latencyMs = 0.05 * 10 ** ((6 * ((n * 7_919) % 10_007)) / 10_007);
    if (n % 100 === 0) recorder.failed(dueMs, n % 200 === 0 ? "E018_RATE_LIMIT" : "E028_DEADLINE");
    else if (n % 101 === 0) recorder.missedAt(dueMs);
    else recorder.done({ dueMs, beganMs: dueMs + latencyMs / 4, endedMs: dueMs + latencyMs });
  }
}

test("histograms, errors and stretches of three drivers, merged, equal those of one", () => {
  const one = new Recorder(20);
  fill([one]);
  const drivers = [new Recorder(20), new Recorder(20), new Recorder(20)];
  fill(drivers);
  const merged = new Recorder(20);
  for (const driver of drivers) merged.add(JSON.parse(JSON.stringify(driver.recorded())));
  for (const what of ["latency", "service", "lateness"] as const) {
    assert.equal(merged[what].totalCount, one[what].totalCount);
    for (const p of [0, 50, 90, 99, 99.9, 99.99, 100]) {
      assert.equal(percentileMs(merged[what], p), percentileMs(one[what], p), `${what} p${p}`);
    }
  }
  assert.deepEqual(merged.errors, one.errors);
  assert.equal(merged.missed, one.missed);
  const seconds = (recorder: Recorder) =>
    recorder.stretches().map(({ at, latency, errors, missed }) => {
      return { at, count: latency.totalCount, p99: percentileMs(latency, 99), errors, missed };
    });
  assert.deepEqual(seconds(merged), seconds(one));
  assert.equal(seconds(one).length, 20);
});

test("a percentile is within 0.1 % of the latency that it is of", () => {
  const recorder = new Recorder(1);
  for (let us = 1; us <= 100_000; us++) recorder.done({ dueMs: 1, beganMs: 1, endedMs: 1 + us / 1_000 });
  for (const p of [50, 90, 99, 99.9]) {
    assert.ok(Math.abs(percentileMs(recorder.latency, p) / p - 1) <= 0.001, `p${p}`);
  }
});

test("latency is from when an action was due, service from when it was begun, lateness what lies between", () => {
  const recorder = new Recorder(1);
  recorder.done({ dueMs: 100, beganMs: 400, endedMs: 500 });
  for (const [what, ms] of [
    ["latency", 400],
    ["service", 100],
    ["lateness", 300],
  ] as const) {
    assert.ok(Math.abs(percentileMs(recorder[what], 50) / ms - 1) <= 0.001, what);
  }
  // and in the second in which it was due
  assert.ok(Math.abs(percentileMs(recorder.stretches()[0]?.latency as Histogram, 50) / 400 - 1) <= 0.01);
});

test("what is due in the warm-up is not recorded", () => {
  const recorder = new Recorder(1);
  recorder.done({ dueMs: -1, beganMs: 0, endedMs: 5 });
  recorder.failed(-1, "E028_DEADLINE");
  recorder.missedAt(-1);
  assert.equal(recorder.latency.totalCount + recorder.errorCount + recorder.missed, 0);
});

test("of a day's load no more stretches are kept than of two hours", () => {
  const recorder = new Recorder(86_400);
  for (const dueMs of [0, 86_399_999]) recorder.done({ dueMs, beganMs: dueMs, endedMs: dueMs });
  assert.equal(recorder.stretchSeconds, 12);
  assert.deepEqual(
    recorder.stretches().map(({ at }) => at),
    [0, 7_199],
  );
});
