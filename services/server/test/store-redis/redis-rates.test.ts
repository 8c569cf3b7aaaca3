/** Rates that several front-ends count together over a real Redis. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { RedisCluster, RedisProcess } from "../../testing/redis.ts";
import type { OpenedRedis } from "../../src/store/redis/open.ts";
import { Buses, until } from "./rig.ts";

/** Nothing worth mentioning comes back while a test runs. */
const limit = { perSecond: 0.001, burst: 1_000 };

/** One after the other until one is refused; answers how many were not. */
async function admittedBy({ rates }: OpenedRedis, key: string): Promise<number> {
  let admitted = 0;
  while (rates.admit(key, limit, 1) === 0) {
    admitted++;
    await pause(1);
  }
  return admitted;
}

describe("rates over Redis", () => {
  for (const mode of ["single", "cluster"] as const) {
    test(`what one front-end has admitted counts at the others (${mode})`, async () => {
      await using redis = mode === "single" ? await RedisProcess.start() : await RedisCluster.start();
      await using buses = new Buses();
      const [here, there] = [await buses.open({ url: redis.url, mode }), await buses.open({ url: redis.url, mode })];
      for (const key of ["one", "two", "three"]) {
        assert.equal(here.rates.admit(key, limit, 1_000), 0);
        assert.ok(here.rates.admit(key, limit, 1) > 0);
        // alone it would admit 1,000
        assert.ok((await admittedBy(there, key)) < 1_000);
      }
      // what is owed is told to who has to wait: of the first 1,000 all, and what was too much
      assert.ok(there.rates.admit("one", limit, 1) > 1_000);
    });
  }

  test("with Redis away each front-end counts for itself", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const [here, there] = [await buses.open(redis), await buses.open(redis)];
    await redis.kill();
    await until(() => !here.isUp() && !there.isUp());
    for (const { rates } of [here, there]) {
      for (let i = 0; i < 1_000; i++) assert.equal(rates.admit("key", limit, 1), 0);
      assert.ok(rates.admit("key", limit, 1) > 0);
    }
  });

  test("in Redis nobody's name is readable, and a bucket is gone when it is full again", async () => {
    await using redis = await RedisProcess.start();
    await using buses = new Buses();
    const { rates } = await buses.open(redis);
    const keys = () => redis.command("KEYS", "*");
    assert.equal(rates.admit("alice to bob", { perSecond: 500, burst: 1_000 }, 1_000), 0);
    while (keys() === "") await pause(1);
    assert.match(keys(), /^qpq:rate:\{\d+\}:[\w-]{22}$/);
    while (keys() !== "") await pause(20);
  });
});
