/** The metrics of several processes as one page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { metricsPage } from "../../src/observe/metrics-page.ts";
import type { MetricsSnapshot } from "../../src/observe/prometheus.ts";
import { GatheredMetrics } from "../../src/processes/gathered-metrics.ts";

type Counted = { readonly calls: number; readonly seconds: readonly number[]; readonly waiters: number };

/** As they arrive from a process: copied between two. */
async function snapshot({ calls, seconds, waiters }: Counted): Promise<MetricsSnapshot> {
  const registers = [new Registry()];
  const labelNames = ["method"] as const;
  new Counter({ name: "calls_total", help: "calls", labelNames, registers }).inc({ method: "fetch" }, calls);
  const histogram = new Histogram({ name: "seconds", help: "seconds", buckets: [1, 2], registers });
  for (const value of seconds) histogram.observe(value);
  new Gauge({ name: "waiters", help: "waiters", registers }).set(waiters);
  return structuredClone(await (registers[0] as Registry).getMetricsAsJSON());
}

async function valuesOf(gathered: GatheredMetrics): Promise<Record<string, number>> {
  const { text } = await metricsPage(await gathered.sumWith([]));
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("counters, histograms and gauges of the processes are summed by their labels", async () => {
  const gathered = new GatheredMetrics();
  gathered.record("0", await snapshot({ calls: 3, seconds: [0.5, 1.5], waiters: 7 }));
  gathered.record("1", await snapshot({ calls: 4, seconds: [5], waiters: 2 }));
  assert.deepEqual(await valuesOf(gathered), {
    'calls_total{method="fetch"}': 7,
    'seconds_bucket{le="1"}': 1,
    'seconds_bucket{le="2"}': 2,
    'seconds_bucket{le="+Inf"}': 3,
    seconds_sum: 7,
    seconds_count: 3,
    waiters: 9,
  });
});

test("a process that is replaced, again and again, never turns a counter back; what it held has gone", async () => {
  const gathered = new GatheredMetrics();
  gathered.record("1", await snapshot({ calls: 1, seconds: [], waiters: 1 }));
  for (let life = 1; life <= 5; life++) {
    gathered.record("0", await snapshot({ calls: 10, seconds: [1, 1], waiters: 5 }));
    gathered.depart("0");
    gathered.depart("0"); // once is enough
    const values = await valuesOf(gathered);
    assert.equal(values['calls_total{method="fetch"}'], 1 + 10 * life);
    assert.equal(values["seconds_count"], 2 * life);
    assert.equal(values["waiters"], 1);
  }
  gathered.record("0", await snapshot({ calls: 1, seconds: [], waiters: 0 }));
  assert.equal((await valuesOf(gathered))['calls_total{method="fetch"}'], 52);
});

test("processes that go in the same moment are all kept", async () => {
  const gathered = new GatheredMetrics();
  for (let i = 0; i < 8; i++) gathered.record(`${i}`, await snapshot({ calls: 1, seconds: [], waiters: 1 }));
  for (let i = 0; i < 8; i++) gathered.depart(`${i}`);
  for (let i = 0; i < 3; i++) assert.equal((await valuesOf(gathered))['calls_total{method="fetch"}'], 8);
});
