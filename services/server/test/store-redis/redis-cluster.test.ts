/** Wake-ups over a Redis Cluster of three nodes: a node that is away, and slots that move, cost no hint for good. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { partitions, slotOf } from "../../src/store/redis/partitions.ts";
import { RedisCluster, type RedisProcess } from "../../testing/redis.ts";
import { inboxOf } from "../conformance/subject.ts";
import { Buses, ear, until, untilCrosses } from "./rig.ts";

const alice = inboxOf("alice");
const mode = "cluster";

function idOf(node: RedisProcess): string {
  return node.command("CLUSTER", "MYID");
}

/** As an operator would: `to` imports it, and so takes a later epoch than what others may still say of the slot. */
function moveSlot(cluster: RedisCluster, slot: number, to: RedisProcess): void {
  const setSlot = (node: RedisProcess, ...words: string[]) =>
    node.command("CLUSTER", "SETSLOT", String(slot), ...words);
  const others = cluster.nodes.filter((node) => node !== to);
  const from = others.find((node) => slotsOf(node).some(([first, last]) => first <= slot && slot <= last));
  if (from === undefined) return;
  setSlot(to, "IMPORTING", idOf(from));
  setSlot(from, "MIGRATING", idOf(to));
  for (const node of [to, ...others]) setSlot(node, "NODE", idOf(to));
}

/** Its own, in its own words: `... myself,master ... connected 0-99 200 [7->-ID]`. */
function slotsOf(node: RedisProcess): [first: number, last: number][] {
  const line = node
    .command("CLUSTER", "NODES")
    .split("\n")
    .find((line) => line.includes("myself"));
  const ranges =
    line
      ?.split(" ")
      .slice(8)
      .filter((word) => !word.startsWith("[")) ?? [];
  return ranges.map((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return [first as number, last as number];
  });
}

describe("wake-ups over a Redis Cluster", () => {
  test("every node bears some of the channels, and the slots are those that Redis reckons", async () => {
    await using cluster = await RedisCluster.start();
    const [node] = cluster.nodes as [RedisProcess];
    for (const { index, slot, channel } of partitions) {
      assert.equal(slot, slotOf(`${index}`));
      assert.equal(slot, Number(node.command("CLUSTER", "KEYSLOT", channel)));
    }
    await using buses = new Buses();
    // one node is enough to find the others
    await buses.open({ url: node.url, mode });
    for (const { command } of cluster.nodes.map((node) => ({ command: node.command.bind(node) }))) {
      assert.ok(command("PUBSUB", "SHARDCHANNELS").split("\n").filter(Boolean).length > 0);
    }
  });

  test("while a node is away hints cross over the others, and when it is back every listener looks again", async () => {
    await using cluster = await RedisCluster.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open({ url: cluster.url, mode }), await buses.open({ url: cluster.url, mode })];
    const alices = ear(there, alice);
    const [, node] = cluster.nodes as [RedisProcess, RedisProcess];
    await node.kill();
    await until(() => !here.isUp() && !there.isUp());
    for (let i = 0; i < 20; i++) {
      const told = alices.hears("hint");
      here.wakeups.publish(alice);
      await told;
    }
    const told = alices.hears("reconnect");
    await node.startAgain();
    await told;
    await until(() => here.isUp() && there.isUp());
  });

  test("while a node stands still hints cross over the others, also those that were on their way to it", async () => {
    await using cluster = await RedisCluster.start();
    await using buses = new Buses();
    const options = { url: cluster.url, mode, commandMsMax: 500, connectMsMax: 500 } as const;
    const [here, there] = [await buses.open(options), await buses.open(options)];
    const alices = ear(there, alice);
    const [node] = cluster.nodes as [RedisProcess];
    node.pause();
    for (let i = 0; i < 20; i++) {
      const told = alices.hears("hint");
      here.wakeups.publish(alice);
      await told;
    }
    await until(() => !here.isUp() && !there.isUp());
    node.resume();
    await until(() => here.isUp() && there.isUp());
  });

  test("a slot that moves to another node takes its listeners along", async () => {
    await using cluster = await RedisCluster.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open({ url: cluster.url, mode }), await buses.open({ url: cluster.url, mode })];
    const alices = ear(there, alice);
    const [first, second, third] = cluster.nodes as [RedisProcess, RedisProcess, RedisProcess];
    const told = alices.hears("reconnect");
    // all that the second node has: then hints can go only where they have moved to
    for (const { index, slot } of partitions) moveSlot(cluster, slot, index % 2 === 0 ? first : third);
    await told;
    await until(() => second.command("PUBSUB", "SHARDCHANNELS") === "");
    await until(() => here.isUp() && there.isUp());
    await untilCrosses(here, alice, alices);
    await untilCrosses(there, alice, ear(here, alice));
  });
});
