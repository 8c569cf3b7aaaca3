/** The embedded store on a disk that fills up, under SIGKILL: nothing that was acknowledged is lost, doubled or reordered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { seed } from "../../../testing/seed.ts";
import { noTrialFaults } from "./book.ts";
import { runFullDisk } from "./run.ts";

test("over 4 times a full disk, each with a SIGKILL and room after it, nothing acknowledged is lost, doubled or reordered", {
  timeout: 400_000,
}, async (t) => {
  const { acknowledged, refusedFull, found, lines } = await runFullDisk({ seed, rounds: 4 });
  t.diagnostic(`SEED=${seed}: ${acknowledged} acknowledged, ${refusedFull} refused with E035_STORE_FULL`);
  assert.deepEqual(found, noTrialFaults, [`SEED=${seed}`, ...lines].join("\n"));
  assert.ok(acknowledged >= 1_000 && refusedFull >= 400);
});
