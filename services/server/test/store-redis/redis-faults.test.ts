/** What becomes of the wake-ups when Redis, or the way to it, fails: hints are late, none of them is lost for good. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RedisProcess } from "../../testing/redis.ts";
import { FaultyRelay } from "../../testing/faulty-relay.ts";
import { inboxOf } from "../conformance/subject.ts";
import { Buses, deafen, ear, until, untilCrosses, urlOf } from "./rig.ts";

const alice = inboxOf("alice");
const bob = inboxOf("bob");

describe("wake-ups while Redis fails", () => {
  test("Redis is killed and comes back: every listener looks again, and hints cross again", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open(redis), await buses.open(redis)];
    const [alices, bobs] = [ear(there, alice), ear(there, bob)];
    await redis.kill();
    await until(() => !here.isUp() && !there.isUp());
    const told = [alices.hears("reconnect"), bobs.hears("reconnect")];
    await redis.startAgain();
    await Promise.all(told);
    await untilCrosses(here, bob, bobs);
    await until(() => here.isUp() && there.isUp());
  });

  test("hints of a front-end that was cut off from Redis alone arrive when it is back", async () => {
    await using redis = await RedisProcess.start();
    await using relay = await FaultyRelay.start(redis.port);
    await using buses = new Buses();
    const [here, there] = [await buses.open({ url: urlOf(relay) }), await buses.open(redis)];
    const [alices, bobs] = [ear(there, alice), ear(there, bob)];
    relay.cut();
    await until(() => !here.isUp());
    for (const inbox of [alice, bob, alice]) here.wakeups.publish(inbox);
    const told = [alices.hears("hint"), bobs.hears("hint")];
    relay.mend();
    await Promise.all(told);
    assert.deepEqual(alices.told, { hint: 1, timer: 0, reconnect: 0 });
  });

  test("a hint whose frame was lost on its way is sent again", async () => {
    await using redis = await RedisProcess.start();
    await using relay = await FaultyRelay.start(redis.port);
    await using buses = new Buses();
    const [here, there] = [await buses.open({ url: urlOf(relay) }), await buses.open(redis)];
    const alices = ear(there, alice);
    here.wakeups.publish(alice);
    // it is written by now, and the relay has not read it yet
    await new Promise(setImmediate);
    relay.cut();
    assert.deepEqual([here.stats().hintsWaiting, here.stats().hintsSent], [0, 0]);
    const told = alices.hears("hint");
    relay.mend();
    await told;
  });

  test("own readers are woken while Redis is away", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const bus = await buses.open(redis);
    await redis.kill();
    const alices = ear(bus, alice);
    bus.wakeups.publish(alice);
    assert.equal(alices.told.hint, 1);
  });

  test("a front-end that starts without Redis works, and hears when there is one", async () => {
    await using redis = await RedisProcess.start();
    await redis.kill();
    await using buses = new Buses();
    const [here, there] = [await buses.open(redis), await buses.open(redis)];
    assert.equal(here.isUp(), false);
    const alices = ear(there, alice);
    const told = alices.hears("reconnect");
    await redis.startAgain();
    await told;
    await untilCrosses(here, alice, alices);
  });

  test("FLUSHALL takes no wake-up away", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open(redis), await buses.open(redis)];
    const alices = ear(there, alice);
    redis.command("FLUSHALL");
    const told = alices.hears("hint");
    here.wakeups.publish(alice);
    await told;
    assert.equal(alices.told.reconnect, 0);
  });

  test("a Redis that stands still is given up, and found again when it goes on", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const limits = { commandMsMax: 500, connectMsMax: 500 };
    const [here, there] = [
      await buses.open({ url: redis.url, ...limits }),
      await buses.open({ url: redis.url, ...limits }),
    ];
    const alices = ear(there, alice);
    redis.pause();
    here.wakeups.publish(alice);
    await until(() => !here.isUp() && !there.isUp());
    // also a new connection gets no answer
    const { failures } = there.stats();
    await until(() => there.stats().failures > failures + 1);
    const told = alices.hears("reconnect");
    redis.resume();
    await told;
    await untilCrosses(here, alice, alices);
  });

  test("a connection that answers and does not hear is found by the probe, and every listener looks again", async () => {
    await using redis = await RedisProcess.start();
    await using relay = await FaultyRelay.start(redis.port);
    await using buses = new Buses();
    const [here, there] = [await buses.open(redis), await buses.open({ url: urlOf(relay) })];
    const alices = ear(there, alice);
    await untilCrosses(here, alice, alices);
    const told = alices.hears("reconnect");
    deafen(relay);
    here.wakeups.publish(alice);
    await told;
    assert.equal(there.stats().connectionsDeaf, 1);
    assert.equal(here.stats().connectionsDeaf, 0);
    await untilCrosses(here, alice, alices);
  });

  test("a connection whose answers are swallowed is given up, and every listener looks again", async () => {
    await using redis = await RedisProcess.start();
    await using network = await FaultyRelay.start(redis.port);
    await using buses = new Buses();
    const url = urlOf(network);
    const [here, there] = [await buses.open(redis), await buses.open({ url, commandMsMax: 200 })];
    const alices = ear(there, alice);
    await untilCrosses(here, alice, alices);
    const told = alices.hears("reconnect");
    network.swallowAnswers();
    await told;
    await untilCrosses(here, alice, alices);
  });

  test("a loop that stood still until Redis gave its connection up looks again", async () => {
    const settings = { "client-output-buffer-limit": "pubsub 256kb 128kb 1" };
    await using redis = await RedisProcess.start({ settings });
    await using buses = new Buses();
    const bus = await buses.open(redis);
    const alices = ear(bus, alice);
    const told = alices.hears("reconnect");
    // 30 MB while this loop does nothing but wait for redis-cli: more than the sockets between hold
    redis.command("-r", "300", "SPUBLISH", "qpq:wake:{0}", "x".repeat(100_000));
    await told;
    assert.equal(bus.stats().connectionsLost, 1);
    assert.equal(bus.stats().connectionsDeaf, 0);
  });

  test("a loop that stood still for longer than several probes does not take its connection for deaf", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const limits = { probeMs: 50, commandMsMax: 50 };
    const [here, there] = [await buses.open({ url: redis.url, ...limits }), await buses.open(redis)];
    const alices = ear(here, alice);
    for (let i = 0; i < 5; i++) {
      here.wakeups.publish(alice); // an answer is owed
      await new Promise(setImmediate);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4 * 50);
      await untilCrosses(there, alice, alices);
    }
    assert.equal(here.stats().connectionsDeaf, 0);
    assert.equal(alices.told.reconnect, 0);
  });

  test("hints that wait for Redis are bounded: each inbox once, and those beyond are counted", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open({ url: redis.url, hintsWaitingMax: 100 }), await buses.open(redis)];
    await redis.kill();
    await until(() => !here.isUp() && !there.isUp());
    for (let i = 0; i < 300; i++) here.wakeups.publish(inboxOf(`${i % 150}`));
    assert.equal(here.stats().hintsWaiting, 100);
    assert.equal(here.stats().hintsDropped, 100);
    await redis.startAgain();
    await until(() => here.stats().hintsSent === 100);
    assert.equal(here.stats().hintsWaiting, 0);
  });
});
