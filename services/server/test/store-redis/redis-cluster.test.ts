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

/** As an operator would who moves empty slots. */
function moveSlot(cluster: RedisCluster, slot: number, to: RedisProcess): void {
  const id = idOf(to);
  for (const node of [to, ...cluster.nodes.filter((node) => node !== to)]) {
    node.command("CLUSTER", "SETSLOT", String(slot), "NODE", id);
  }
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

  test("a slot that moves to another node takes its listeners along", async () => {
    await using cluster = await RedisCluster.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open({ url: cluster.url, mode }), await buses.open({ url: cluster.url, mode })];
    const alices = ear(there, alice);
    const [first, second, third] = cluster.nodes as [RedisProcess, RedisProcess, RedisProcess];
    const told = alices.hears("reconnect");
    // all that the second node has: then hints can go only where they have moved to
    for (const { slot } of partitions) moveSlot(cluster, slot, slot % 2 === 0 ? first : third);
    await told;
    await until(() => second.command("PUBSUB", "SHARDCHANNELS") === "");
    await until(() => here.isUp() && there.isUp());
    await untilCrosses(here, alice, alices);
    await untilCrosses(there, alice, ear(here, alice));
  });
});
