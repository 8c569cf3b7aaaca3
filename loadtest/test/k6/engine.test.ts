/** The engine that stands in for k6: when iterations are due, what is read of options, what thresholds mean. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrivalsOf } from "./engine/arrivals.ts";
import { planOf } from "./engine/options.ts";
import { Sinks } from "./engine/sinks.ts";

const duesOf = (raw: Record<string, unknown>): number[] => {
  const [scenario] = planOf({ scenarios: { one: { preAllocatedVUs: 1, ...raw } }, summaryTrendStats: [] }).scenarios;
  return [...arrivalsOf(scenario as NonNullable<typeof scenario>)];
};

test("at a constant rate an iteration is due every so many ms from the start, and as many as rate times duration", () => {
  const constant = { executor: "constant-arrival-rate", rate: 4, duration: "1s" };
  assert.deepEqual(duesOf(constant), [0, 250, 500, 750]);
  assert.deepEqual(duesOf({ ...constant, timeUnit: "1m", rate: 2, duration: "1m30s" }), [0, 30_000, 60_000]);
});

test("on a ramp as many are due as the area below the rate, ever closer together", () => {
  const stages = [{ target: 100, duration: "10s" }];
  const dues = duesOf({ executor: "ramping-arrival-rate", startRate: 0, stages });
  assert.equal(dues.length, 500);
  // half of the time has a quarter of the area
  assert.equal(dues.filter((ms) => ms < 5_000).length, 125);
  const gaps = dues.slice(1).map((ms, i) => ms - (dues[i] as number));
  assert.ok(gaps.slice(1).every((gap, i) => gap < (gaps[i] as number)));
});

test("what is due at the end of one stage and at the beginning of the next is due once", () => {
  const stages = [1, 2, 3].map(() => ({ target: 10, duration: "1500ms" }));
  const dues = duesOf({ executor: "ramping-arrival-rate", startRate: 10, stages });
  assert.deepEqual(
    dues.map(Math.round),
    Array.from({ length: 45 }, (_, i) => i * 100),
  );
});

test("an option that the engine does not know is refused, not passed over", () => {
  assert.throws(() => planOf({ scenarios: {}, vus: 10 }), /vus is unknown/);
  assert.throws(() => duesOf({ executor: "constant-vus", duration: "1s" }), /no executor of this engine/);
  assert.throws(() => duesOf({ executor: "constant-arrival-rate", rate: 1, duration: "1s", maxVUs: 2 }), /maxVUs/);
});

test("thresholds are judged by the samples that carry their tag", () => {
  const thresholds = { "time{step:a}": ["p(50)<=2", "max<2"], "lost{step:b}": ["rate==0"], time: ["count>4"] };
  const sinks = new Sinks(thresholds, ["med", "max"]);
  for (const [step, value] of Object.entries({ a: [1, 2, 3], b: [100] }).flatMap(([tag, all]) =>
    all.map((v) => [tag, v]),
  )) {
    sinks.add({ metric: "time", type: "trend", value: value as number, tags: { step: step as string } });
  }
  sinks.add({ metric: "lost", type: "rate", value: 1, tags: { step: "a" } });
  const summary = sinks.summary(1);
  assert.deepEqual(summary["time{step:a}"], {
    type: "trend",
    values: { med: 2, max: 3 },
    thresholds: { "p(50)<=2": { ok: true }, "max<2": { ok: false } },
  });
  assert.deepEqual(summary["lost{step:b}"]?.thresholds, { "rate==0": { ok: true } });
  assert.deepEqual(summary["time"]?.thresholds, { "count>4": { ok: false } });
  const wrong = new Sinks({ tme: ["count>0"] }, []);
  assert.throws(() => wrong.summary(1), /tme, which nothing was added to/);
});
