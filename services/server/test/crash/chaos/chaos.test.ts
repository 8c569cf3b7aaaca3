/**
 * The cluster under every fault there is, for three minutes: four front-end processes at three addresses over real QUIC, a
 * Postgres primary with its synchronous standby, a Redis. `npm run test:chaos -- --minutes 60` goes on for longer.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seed } from "../../../testing/seed.ts";
import { noTrialFaults } from "./book.ts";
import { describeTrial } from "./describe.ts";
import { allLanes } from "./faults.ts";
import { runChaos } from "./run.ts";
import { standardTrial } from "./standard-trial.ts";

/** What it goes on for, after the three minutes, for up to two more. */
const acknowledgedWanted = 100_000;
/** What a busy machine reaches in that time; fewer would show little. */
const acknowledgedMin = 20_000;

test("of 100,000 acknowledged messages with everything killed, cut off, stalled and failed over, none is lost, doubled, reordered or late without a fault", {
  timeout: 540_000,
}, async (t) => {
  const report = await runChaos({ ...standardTrial({ seed, minutes: 3 }), acknowledgedMin: acknowledgedWanted });
  for (const line of describeTrial(report)) t.diagnostic(line);
  assert.deepEqual(report.found, noTrialFaults, [`SEED=${seed}`, ...report.lines].join("\n"));
  assert.ok(report.acknowledged >= acknowledgedMin, `${report.acknowledged} acknowledged`);
  for (const kind of allLanes.flat()) assert.ok((report.carriedOut[kind] ?? 0) > 0, `${kind} was not carried out`);
});
