/** How soon a process that has ended is started again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RestartPauses, restartLimits } from "../../src/processes/restart-pauses.ts";

const { longLifeMs, firstPauseMs, pauseMsMax, loopLives } = restartLimits;

test("after a long life there is no pause, whatever was before", () => {
  const pauses = new RestartPauses();
  for (let i = 0; i < 20; i++) pauses.after(0);
  assert.deepEqual(pauses.after(longLifeMs), { ms: 0, shortLives: 0, isLoop: false });
  assert.equal(pauses.after(longLifeMs - 1).ms, firstPauseMs);
});

test("after short lives in a row the pause doubles up to pauseMsMax, and from loopLives on it is a loop", () => {
  const pauses = new RestartPauses();
  const given = Array.from({ length: 40 }, () => pauses.after(0));
  assert.deepEqual(
    given.slice(0, 6).map(({ ms }) => ms),
    [1, 2, 4, 8, 16, 32].map((times) => times * firstPauseMs),
  );
  assert.ok(given.every(({ ms }) => ms <= pauseMsMax));
  assert.equal(given.at(-1)?.ms, pauseMsMax);
  assert.equal(
    given.findIndex(({ isLoop }) => isLoop),
    loopLives - 1,
  );
});
