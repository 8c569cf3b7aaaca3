/** The bad network of tests: the same seed makes the same faults, and each fault does what its name says. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type LaneFaults, SeededLane } from "../testing/seeded-lane.ts";
import { until } from "./quic-pair.ts";

const datagrams = 2_000;

/** Numbers of the datagrams in the order they came in. */
async function sentThrough(faults: LaneFaults): Promise<{ came: number[]; counts: SeededLane["counts"] }> {
  const came: number[] = [];
  const lane = new SeededLane(faults, (datagram) => void came.push(datagram.readUInt32BE()));
  for (let i = 0; i < datagrams; i++) {
    const datagram = Buffer.alloc(4);
    datagram.writeUInt32BE(i);
    lane.send(datagram);
  }
  await until(() => came.length === datagrams - lane.counts.lost + lane.counts.duplicated);
  return { came, counts: lane.counts };
}

const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((one, other) => one - other);

it("loses and doubles the same datagrams for the same seed, others for another", async () => {
  const faults = { lossPercent: 20, duplicatePercent: 10, delayMs: 1, jitterMs: 5 };
  const [first, again, other] = await Promise.all([
    sentThrough({ ...faults, seed: 7 }),
    sentThrough({ ...faults, seed: 7 }),
    sentThrough({ ...faults, seed: 8 }),
  ]);
  assert.deepEqual(first.came, again.came);
  assert.notDeepEqual(first.came, other.came);
  assert.ok(Math.abs(first.counts.lost - 400) < 100, `${first.counts.lost} of 2,000 lost`);
  assert.ok(first.counts.duplicated > 100 && first.counts.duplicated < 220, `${first.counts.duplicated} doubled`);
});

it("keeps the order under delay and jitter", async () => {
  const { came } = await sentThrough({ seed: 1, delayMs: 2, jitterMs: 10 });
  assert.deepEqual(came, inOrder(came));
  assert.equal(came.length, datagrams);
});

it("lets datagrams overtake those that are held back", async () => {
  const { came, counts } = await sentThrough({ seed: 1, delayMs: 2, reorderPercent: 10 });
  assert.ok(Math.abs(counts.heldBack - 200) < 60, `${counts.heldBack} of 2,000 held back`);
  assert.notDeepEqual(came, inOrder(came));
  assert.deepEqual(
    inOrder(came),
    Array.from({ length: datagrams }, (_, i) => i),
    "none is lost",
  );
});

it("loses what comes when its queue is full", async () => {
  let came = 0;
  const lane = new SeededLane({ seed: 1, delayMs: 60_000 }, () => {
    came += 1;
  });
  for (let i = 0; i < 10_500; i++) lane.send(Buffer.alloc(1));
  assert.equal(lane.counts.lost, 500);
  lane.close();
  assert.equal(came, 0);
});
