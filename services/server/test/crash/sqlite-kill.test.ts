/** SIGKILL at any moment loses nothing that was acknowledged; and the trial would have seen it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { faultsOf, Ledger, noFaults } from "./ledger.ts";
import { drain, runAndKill } from "./trial.ts";

/** Replays a run: SEED=... node --test. */
const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const acknowledgedMin = 10_000;

/** mulberry32: a small generator with a seed, which Math.random has not. */
function randomOf(state: number): () => number {
  let a = state;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function withFile(body: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "qpq-crash-"));
  try {
    await body(join(folder, "qpq.db"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("over 10,000 messages with the process killed again and again, nothing acknowledged is lost, doubled or reordered", async (t) => {
  t.diagnostic(`SEED=${seed}`);
  const random = randomOf(seed);
  const ledger = new Ledger();
  const acknowledged = new Set<number>();
  await withFile(async (file) => {
    for (let firstMessage = 0, round = 1; acknowledged.size < acknowledgedMin; round++) {
      const killAfterAcks = 1 + Math.floor(random() * 4_000);
      const inFlightMax = 1 + Math.floor(random() * 512);
      const task = { file, firstMessage, messagesMax: 1_000_000, inFlightMax, plantedFault: "none" } as const;
      for (const number of await runAndKill(task, killAfterAcks, ledger)) acknowledged.add(number);
      // Each round's own look at the file: a fault must not be healed by a later round.
      const numbers = await drain(file, ledger);
      assert.deepEqual(faultsOf(ledger.verdict()), noFaults, `round ${round}, SEED=${seed}`);
      // What was stored is a prefix of what was sent, inbox by inbox: one sender's messages are never reordered.
      for (const list of numbers.values())
        assert.deepEqual(
          list,
          [...list].sort((a, b) => a - b),
        );
      // The next round sends again, with the same ids, what may or may not have been stored.
      while (acknowledged.has(firstMessage)) firstMessage++;
    }
  });
});

test("a store that acknowledges before it commits is found out", async () => {
  const ledger = new Ledger();
  await withFile(async (file) => {
    // 1,250 are acknowledged, 1,000 of them committed in groups of 500: the kill finds 250 in memory only.
    const task = {
      file,
      firstMessage: 0,
      messagesMax: 1_250,
      inFlightMax: 1,
      plantedFault: "ack-before-commit",
    } as const;
    await runAndKill(task, 1_250, ledger);
    await drain(file, ledger);
  });
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, lost: 250 });
});
