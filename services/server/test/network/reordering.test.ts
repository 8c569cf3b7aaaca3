/** A long way on which datagrams overtake each other and come twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRelay } from "quicproquo-transport/testing";
import { startServerProcess } from "../../testing/server-process.ts";
import { ClientProcess } from "./client.ts";
import { assertComplete, keysOf, roomy } from "./rig.ts";

const seed = 10_005;

test(`over 100 ms with 10 % held back and 5 % doubled, order is kept and nothing is doubled (seed ${seed})`, async (t) => {
  await using server = await startServerProcess({ settings: roomy });
  const faults = { seed, delayMs: 100, reorderPercent: 10, duplicatePercent: 5 };
  await using relay = await SeededRelay.open(server, faults);
  await using client = new ClientProcess();
  const recipientKey = new Uint8Array(32).fill(1);
  const target = { server: keysOf(server), options: { port: relay.port } };
  const report = await client.run("exchange", { ...target, recipientKey, messages: 1_000 });
  assertComplete(report);
  for (const [way, { heldBack, duplicated }] of Object.entries(relay.counts)) {
    t.diagnostic(`${way}: ${heldBack} held back, ${duplicated} doubled`);
    assert.ok(heldBack > 0 && duplicated > 0);
  }
});
