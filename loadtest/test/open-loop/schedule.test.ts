/** Due times are drawn before and by the seed alone, at the rate that was asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dueTimesMs, expectedCountOf, type ScheduleOptions } from "../../src/open-loop/schedule.ts";

const constant = [{ seconds: 20, fromPerSecond: 500, toPerSecond: 500 }];
const ramp = [{ seconds: 10, fromPerSecond: 0, toPerSecond: 1_000 }];
const spike = [
  { seconds: 4, fromPerSecond: 100, toPerSecond: 100 },
  { seconds: 2, fromPerSecond: 2_000, toPerSecond: 2_000 },
  { seconds: 4, fromPerSecond: 100, toPerSecond: 100 },
];
const options = (over: Partial<ScheduleOptions> = {}): ScheduleOptions => {
  return { phases: constant, warmUpSeconds: 0, spacing: "poisson", seed: 1, ...over };
};

test("a seed draws the same due times again, another seed others", () => {
  const first = [...dueTimesMs(options())];
  assert.deepEqual([...dueTimesMs(options())], first);
  assert.notDeepEqual([...dueTimesMs(options({ seed: 2 }))], first);
});

test("drivers share the same due times, each once", () => {
  const shares = [0, 1, 2].flatMap((driver) => [...dueTimesMs(options({ phases: spike }), { driver, drivers: 3 })]);
  assert.deepEqual(
    shares.sort((a, b) => a - b),
    [...dueTimesMs(options({ phases: spike }))],
  );
});

for (const [name, phases] of Object.entries({ constant, ramp, spike })) {
  test(`${name}: ascending, in every part of the time as many as the rate says, within 6 standard deviations`, () => {
    for (const spacing of ["poisson", "even"] as const) {
      const due = [...dueTimesMs(options({ phases, spacing }))];
      assert.deepEqual(
        due.toSorted((a, b) => a - b),
        due,
      );
      let fromMs = 0;
      for (const phase of phases) {
        const toMs = fromMs + phase.seconds * 1_000;
        const expected = expectedCountOf([phase]);
        const count = due.filter((at) => at >= fromMs && at < toMs).length;
        const tolerance = spacing === "even" ? 1 : 6 * Math.sqrt(expected);
        assert.ok(Math.abs(count - expected) <= tolerance, `${spacing}: ${count} of ${expected}`);
        fromMs = toMs;
      }
      assert.equal(due.length, due.filter((at) => at >= 0 && at < fromMs).length);
    }
  });
}

test("a ramp has a quarter of its actions in its first half", () => {
  const due = [...dueTimesMs(options({ phases: ramp, spacing: "even" }))];
  assert.equal(due.filter((at) => at < 5_000).length, 1_250);
});

test("gaps of poisson vary as much as they are long, those of even not at all", () => {
  const deviation = (spacing: "poisson" | "even"): number => {
    const due = [...dueTimesMs(options({ spacing }))];
    const gaps = due.slice(1).map((at, i) => at - (due[i] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    return Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length) / mean;
  };
  assert.ok(Math.abs(deviation("poisson") - 1) < 0.1);
  assert.ok(deviation("even") < 1e-6);
});

test("the warm-up runs at the first rate and ends at 0", () => {
  const due = [...dueTimesMs(options({ warmUpSeconds: 2, spacing: "even" }))];
  assert.equal(due.filter((at) => at < 0).length, 1_000);
  assert.ok((due[0] as number) >= -2_000);
});
