/** A power cut, or a kill, at any moment: what was made durable is there, and of what was not either a whole batch or nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SyncFailed } from "../../src/store/log/journal.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { LogRig } from "./log-rig.ts";
import { PowerCut, UnsureDisk } from "./unsure-disk.ts";

type Known = { readonly durable: string; readonly attempted: string };

/** Runs a log until the power goes; answers what may stand afterwards: what is durable, or that and the batch under way. */
function runUntilCut(disk: UnsureDisk, random: () => number, known: string): Known {
  let durable = known;
  let attempted = known;
  try {
    const rig = new LogRig(disk, 1_000);
    if (known !== "") assert.equal(rig.describe(), known);
    durable = rig.describe();
    attempted = durable;
    disk.stepsLeft = Math.floor(random() * (random() < 0.3 ? 4 : 120));
    for (;;) {
      rig.fill(random);
      attempted = rig.describe("sent");
      rig.writer.commit(rig.nowMs);
      durable = attempted;
      rig.tend(random);
      // a move changes places only
      assert.equal(rig.describe(), durable);
    }
  } catch (error) {
    if (!(error instanceof PowerCut) && !(error instanceof SyncFailed)) throw error;
    return { durable, attempted };
  }
}

/** Goes on where the power went, again and again; answers how often what stood afterwards was neither. */
function lossesOf(rounds: number, random: () => number, syncs = true): number {
  let disk = new UnsureDisk();
  let known = "";
  let losses = 0;
  for (let round = 0; round < rounds; round++) {
    disk.syncs = syncs;
    const { durable, attempted } = runUntilCut(disk, random, known);
    const images = [disk.afterKill(), ...Array.from({ length: 4 }, () => disk.afterPowerCut(random))];
    const found = images.map((image) => stateOf(image));
    for (const one of found) {
      if (one === durable || one === attempted) continue;
      losses++;
      // the two as a whole, when it is not meant to be
      if (syncs) assert.equal(one, durable);
    }
    // more often a kill, whose next process has to make sure of what it finds
    const chosen = syncs ? Math.max(0, Math.floor(random() * 8) - 3) : 0;
    disk = (images[chosen] as UnsureDisk).afterKill();
    known = found[chosen] as string;
  }
  return losses;
}

function stateOf(image: UnsureDisk): string {
  try {
    return new LogRig(image, 1_000).describe();
  } catch (error) {
    return (error as Error).message;
  }
}

test("a cut at any of thousands of writes and syncs loses nothing that was durable, and leaves no batch in parts", (t) => {
  t.diagnostic(`SEED=${seed}`);
  assert.equal(lossesOf(120, randomOf(seed)), 0);
});

test("a disk whose syncs do nothing is found out", () => {
  assert.ok(lossesOf(5, randomOf(1), false) > 0);
});
