/** A soak's verdict is seen red for what grows, and green for what only goes up and down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { growthOf } from "../../src/soak/verdict.ts";

const count = 360;
/** Up to 5 % up and down, the same each time. */
const noise = (i: number): number => 1 + 0.05 * Math.sin(i * 2.399);

function seriesOf(valueAt: (share: number, i: number) => number, slack = 1) {
  const values = Array.from({ length: count }, (_, i) => valueAt(i / count, i) * noise(i));
  return { name: "heap_mb", values, slack };
}

test("what is 20 % larger in the last quarter than in the second grows", () => {
  const leak = growthOf(seriesOf((share) => 100 * (share < 0.5 ? 1 : 1.2)));
  assert.equal(leak?.isGrowing, true);
});

test("a leak that goes on all the time grows", () => {
  // from 100 to 160: 122 in the second quarter, 152 in the last
  assert.equal(growthOf(seriesOf((share) => 100 + 60 * share))?.isGrowing, true);
});

test("a start that ends in a plateau does not grow, with noise on it", () => {
  const plateau = growthOf(seriesOf((share) => (share < 0.2 ? 20 + 400 * share : 100)));
  assert.equal(plateau?.isGrowing, false);
  assert.ok(Math.abs((plateau?.ratio ?? 0) - 1) < 0.02);
});

test("a peak, even one of an eighth of the run, is no growth", () => {
  assert.equal(growthOf(seriesOf((share) => (share > 0.8 && share < 0.92 ? 500 : 100)))?.isGrowing, false);
});

test("less than the slack is no growth, whatever its share: 10 open files and 12", () => {
  const handles = (share: number): number => (share < 0.5 ? 10 : 12);
  assert.equal(growthOf(seriesOf(handles, 4))?.isGrowing, false);
  assert.equal(growthOf(seriesOf(handles, 1))?.isGrowing, true);
});

test("of fewer than 8 values nothing is said", () => {
  assert.equal(growthOf({ name: "heap_mb", values: [1, 2, 3, 4, 5, 6, 7], slack: 0 }), undefined);
});
