/** Two front-ends of one database and one Redis: what one appends wakes who waits at the other. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits as limitRows, type LimitName, type QpqError } from "quicproquo-proto";
import { PushBudget } from "../../src/delivery/push-budget.ts";
import { newFoundCounts } from "../../src/delivery/readers.ts";
import { Subscriptions } from "../../src/delivery/subscriptions.ts";
import { openClusterStore, type ClusterStore } from "../../src/store/index.ts";
import { sharedPostgres, type TestDatabase } from "../../testing/postgres.ts";
import { RedisCluster, RedisProcess } from "../../testing/redis.ts";
import { defaultLimits, inboxOf, startMs } from "../conformance/subject.ts";
import { Ear, probeMs, until } from "./rig.ts";

const limits = Object.fromEntries(Object.entries(limitRows).map(([name, row]) => [name, row.default])) as Record<
  LimitName,
  number
>;
const alice = inboxOf("alice");
const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 100, bytesMax: 1_000_000 };
const message = { inbox: alice, payload: Buffer.from("hello"), messageId: undefined, expiresAtMs: startMs + 60_000 };

class FrontEnds implements AsyncDisposable {
  readonly here: ClusterStore;
  readonly there: ClusterStore;

  private constructor(here: ClusterStore, there: ClusterStore) {
    this.here = here;
    this.there = there;
  }

  static async open(database: TestDatabase, url: string, mode: "single" | "cluster"): Promise<FrontEnds> {
    const open = () =>
      openClusterStore({
        postgres: { url: database.url, limits: defaultLimits, clock: () => startMs },
        redis: { url, mode, probeMs, commandMsMax: 500, connectMsMax: 500 },
      });
    return new FrontEnds(await open(), await open());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.here.close();
    await this.there.close();
  }
}

/** As the delivery domain does: the hint follows the durable answer. */
async function append(store: ClusterStore): Promise<void> {
  await store.log.append(message);
  store.wakeups.publish(alice);
}

describe("front-ends on one Postgres and one Redis", () => {
  for (const mode of ["single", "TLS", "cluster"] as const) {
    test(`an append at one wakes a listener at the other, which finds it (${mode})`, async () => {
      const database = await (await sharedPostgres()).createDatabase();
      await using redis =
        mode === "cluster" ? await RedisCluster.start() : await RedisProcess.start({ tls: mode === "TLS" });
      const url =
        redis instanceof RedisProcess && mode === "TLS"
          ? `${redis.url}?sslrootcert=${redis.certificateFile}`
          : redis.url;
      await using frontEnds = await FrontEnds.open(database, url, mode === "cluster" ? "cluster" : "single");
      const { here, there } = frontEnds;
      assert.deepEqual(there.condition().redis, "up");
      const listener = new Ear();
      assert.equal(there.wakeups.subscribe(alice, listener), undefined);
      for (let seq = 1n; seq <= 30n; seq++) {
        const told = listener.hears("hint");
        await append(here);
        await told;
        const { messages } = await there.log.read(query);
        assert.equal(messages.at(-1)?.seq, seq);
      }
      assert.deepEqual(listener.told, { hint: 30, timer: 0, reconnect: 0 });
    });
  }

  test("a newer subscription at one ends the older at the other, and not the other way round", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await using redis = await RedisProcess.start();
    await using frontEnds = await FrontEnds.open(database, redis.url, "single");
    const { here, there } = frontEnds;
    let nowMs = startMs;
    const open = (store: ClusterStore): { readonly replaced: Promise<unknown>; readonly stays: () => boolean } => {
      const { log, wakeups } = store;
      const parts = { log, wakeups, limits, subscriptionsMax: 1, clock: () => nowMs++, found: newFoundCounts() };
      const ended = Promise.withResolvers<unknown>();
      let stays = true;
      const end = (reason: unknown): void => {
        stays = false;
        ended.resolve(reason);
      };
      const sink = { deliver: async () => undefined, end };
      new Subscriptions(parts).open({ ...query, window: 0, windowBytes: 0 }, sink, new PushBudget(1_000));
      return { replaced: ended.promise, stays: () => stays };
    };
    const opened = [open(here), open(there), open(here), open(there)];
    for (const { replaced } of opened.slice(0, -1)) {
      assert.equal(((await replaced) as QpqError).code, "E062_SUBSCRIPTION_REPLACED");
    }
    here.wakeups.claim?.(alice, "0");
    const listener = new Ear();
    const told = listener.hears("hint");
    void here.wakeups.subscribe(alice, listener);
    there.wakeups.publish(alice);
    await told;
    assert.equal(opened.at(-1)?.stays(), true);
  });

  test("while Redis stands still appends, reads and acks go on, and it is told that it is down", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await using redis = await RedisProcess.start();
    await using frontEnds = await FrontEnds.open(database, redis.url, "single");
    const { here, there } = frontEnds;
    redis.pause();
    // every one of them is answered before Redis is given up, or after: none waits for it
    for (let seq = 1n; seq <= 50n; seq++) {
      await append(here);
      assert.equal((await there.log.read(query)).messages.at(-1)?.seq, seq);
      await there.log.ack(alice, seq, 0n);
    }
    await until(() => here.condition().redis === "down" && there.condition().redis === "down");
    redis.resume();
    await until(() => here.condition().redis === "up" && there.condition().redis === "up");
  });

  test("without Redis own listeners are woken, and it is told that there is none", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const store = await openClusterStore({
      postgres: { url: database.url, limits: defaultLimits, clock: () => startMs },
      redis: undefined,
    });
    const listener = new Ear();
    void store.wakeups.subscribe(alice, listener);
    await append(store);
    assert.equal(listener.told.hint, 1);
    assert.equal(store.condition().redis, "off");
    await store.close();
  });
});
