/** Two sides are held against each other only where they did the same. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type CompareOptions, compareLoads, readResults } from "../../src/open-loop/compare-loads.ts";
import { madeResult } from "./made-result.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-bench-compare-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const options: CompareOptions = { tolerance: 0.1, force: false };
const worse = (compared: ReturnType<typeof compareLoads>): string[] => {
  return compared.filter(({ isWorse }) => isWorse).map(({ metric }) => metric);
};

test("ratios are of the medians, their spread of the runs that lie farthest apart", () => {
  const before = [1, 1.1, 1.2].map((scale) => madeResult({ scale }));
  const after = [2, 2.2, 2.4].map((scale) => madeResult({ scale }));
  const [p50] = compareLoads(before, after, options);
  assert.equal(p50?.metric, "p50");
  const [min, median, max] = p50.ratio as readonly [number, number, number];
  for (const [ratio, expected] of [
    [min, 2 / 1.2],
    [median, 2],
    [max, 2.4],
  ] as const) {
    assert.ok(Math.abs(ratio / expected - 1) < 0.01, `${ratio} for ${expected}`);
  }
});

test("worse beyond the tolerance is said, better and within it are not", () => {
  const [fast, slow] = [madeResult(), madeResult({ scale: 1.2 })];
  assert.deepEqual(worse(compareLoads([fast], [slow], options)), ["p50", "p90", "p99", "p99.9"]);
  assert.deepEqual(worse(compareLoads([fast], [slow], { ...options, tolerance: 0.3 })), []);
  assert.deepEqual(worse(compareLoads([slow], [fast], options)), []);
});

test("fewer actions done, and errors where there were none, are worse", () => {
  const base = { ...madeResult(), errorCount: 0 };
  const after = { ...base, reachedPerSecond: base.reachedPerSecond / 2, errorCount: 1 };
  assert.deepEqual(worse(compareLoads([base], [after], options)), ["rate", "errors"]);
});

test("results of different plans are refused with what differs, and compared when forced; a seed is no other plan", () => {
  const [one, other] = [madeResult(), madeResult({ plan: { users: 3, payloadBytes: 1, seed: 9 } })];
  assert.throws(() => compareLoads([one], [other], options), {
    code: "E083_PLANS_DIFFER",
    message: /users, payloadBytes differ/,
  });
  assert.equal(compareLoads([one], [other], { ...options, force: true }).length, 8);
  assert.doesNotThrow(() => compareLoads([one], [madeResult({ plan: { seed: 9 } })], options));
});

test("a file has a result a line; what is none is refused", () => {
  const file = join(folder, "results.json");
  const result = madeResult();
  writeFileSync(file, `${JSON.stringify(result)}\n${JSON.stringify(result)}\n`);
  assert.deepEqual(readResults(file), [result, result]);
  for (const [text, told] of [
    ["", /is empty/],
    ["no JSON\n", /has no results/],
    ["null\n", /has no results/],
    ['{"scenario":"delivery","figures":{}}\n', /has no results/],
    [JSON.stringify({ ...result, schemaVersion: 2 }), /schemaVersion 2; this program knows 1/],
  ] as const) {
    writeFileSync(file, text);
    assert.throws(() => readResults(file), { code: "E048_USAGE", message: told });
  }
  assert.throws(() => readResults(join(folder, "absent.json")), { code: "E048_USAGE", message: /ENOENT/ });
});
