/** Front-ends under a virtual clock: thousands of interleavings by seed, and every checker seen red. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { campaign } from "./campaign.ts";
import { planted } from "./planted.ts";
import { faultsIn, simulate } from "./simulation.ts";

/** As many as go into msMax, but so many at least. The same seeds each time: main.ts looks among others. */
const runsMin = 150;
const runsMax = 2_000;
const msMax = 30_000;
/** Until a planted fault is to be seen; most are within 5. */
const plantedRunsMax = 100;

test("a run is the same again by its seed", async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const [first, second] = [await simulate({ seed }), await simulate({ seed })];
    assert.deepEqual(first, second);
  }
  assert.notEqual((await simulate({ seed: 1 })).hash, (await simulate({ seed: 2 })).hash);
});

test("keeping the time line changes nothing", async () => {
  const [without, withLines] = [await simulate({ seed: 6 }), await simulate({ seed: 6, keepLines: true })];
  assert.equal(without.hash, withLines.hash);
  assert.ok(withLines.lines.length > without.lines.length);
});

test("whatever goes wrong, what was acknowledged is delivered once, in order, and nobody sleeps beside it", async (t) => {
  const { failed, lines } = await campaign({ from: 1, runsMin, runsMax, msMax });
  for (const line of lines) t.diagnostic(line);
  assert.equal(failed, undefined, `seed ${failed?.seed}: ${failed === undefined ? "" : faultsIn(failed)}`);
});

for (const [name, { seenAs, conditions = {}, ...plant }] of Object.entries(planted)) {
  test(`the simulation finds that ${name}`, async (t) => {
    for (let seed = 1; seed <= plantedRunsMax; seed++) {
      const run = await simulate({ seed, plant, conditions });
      if (run.faults[seenAs] === 0) continue;
      return t.diagnostic(`seed ${seed}: ${faultsIn(run)}`);
    }
    assert.fail(`${plantedRunsMax} runs without ${seenAs}`);
  });
}
