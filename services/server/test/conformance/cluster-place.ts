/** A database and a Redis of its own for each cluster store under test: on one Redis, or on a Redis Cluster. */
import { openClusterStore, raiseStoreEpoch } from "../../src/store/index.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisCluster, RedisProcess } from "../../testing/redis.ts";
import { type Place, type Subject, startMs } from "./subject.ts";

type Kind = "single" | "cluster";

/** Started when first needed; they end with this process. What one place leaves there is a few hints, which harm nobody. */
const shared: Partial<Record<Kind, Promise<RedisProcess | RedisCluster>>> = {};

function sharedRedis(kind: Kind): Promise<RedisProcess | RedisCluster> {
  return (shared[kind] ??= kind === "single" ? RedisProcess.start() : RedisCluster.start());
}

async function makePlace(mode: Kind): Promise<Place> {
  const [database, redis] = await Promise.all([(await sharedPostgres()).createDatabase(), sharedRedis(mode)]);
  // as if it had been made by the test's clock
  await database.query("UPDATE meta SET value = $1 WHERE name = 'store_epoch'", [startMs]);
  return {
    keeps: true,
    async open({ raiseStoreEpoch: raises = false, ...options }) {
      if (raises) await raiseStoreEpoch({ url: database.url, clock: options.clock });
      return await openClusterStore({
        postgres: { url: database.url, ...options },
        redis: { url: redis.url, mode },
      });
    },
    dispose: async () => undefined,
  };
}

export const cluster: Subject = { name: "Postgres and Redis", keeps: true, makePlace: () => makePlace("single") };
export const clusterOnRedisCluster: Subject = {
  name: "Postgres and a Redis Cluster",
  keeps: true,
  makePlace: () => makePlace("cluster"),
};
