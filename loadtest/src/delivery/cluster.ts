/** A cluster of the bench's own: Postgres that syncs each commit, Redis that keeps nothing, and how a store on them is opened. */
import { openClusterStore, type Store } from "quicproquo-server/store";
import { TestPostgres } from "quicproquo-server/testing/postgres";
import { RedisProcess } from "quicproquo-server/testing/redis";
import { cpuUsOf } from "../cpu-time.ts";
import { queueDepthMax } from "../workload.ts";

export type ClusterAddress = {
  readonly databaseUrl: string;
  /** undefined: Postgres alone. */
  readonly redisUrl: string | undefined;
};

type ClusterSizes = {
  /** Tables with their indexes. */
  readonly tablesBytes: number;
  /** Files of the write-ahead log. */
  readonly walBytes: number;
  /** To the write-ahead log, ever. */
  readonly writtenBytes: number;
  readonly redisBytes: number;
};

export type Cluster = AsyncDisposable & {
  readonly address: ClusterAddress;
  /** User and system of Postgres, since its start; without what has ended. */
  readonly databaseCpuUs: () => number;
  /** Of Postgres and Redis, as they are now. */
  readonly pids: () => readonly number[];
  readonly sizes: () => Promise<ClusterSizes>;
};

/** `settings`: lines of postgresql.conf. */
export async function startCluster(settings: Readonly<Record<string, string | number>> = {}): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  const postgres = started.use(await TestPostgres.start({ settings }));
  const redis = started.use(await RedisProcess.start());
  const database = await postgres.createDatabase();
  const owned = started.move();
  return {
    address: { databaseUrl: database.url, redisUrl: redis.url },
    databaseCpuUs: () => postgres.cluster.pids.reduce((sum, pid) => sum + cpuUsOf(pid), 0),
    pids: () => [...postgres.cluster.pids, ...(redis.pid === undefined ? [] : [redis.pid])],
    sizes: async () => {
      const [row = {}] = await database.query(sizesQuery);
      const redisBytes = Number(/^used_memory:(\d+)/m.exec(redis.command("INFO", "memory"))?.[1]);
      const [tablesBytes, walBytes, writtenBytes] = [row["tables"], row["wal"], row["written"]].map(Number);
      return { tablesBytes, walBytes, writtenBytes, redisBytes } as ClusterSizes;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const sizesQuery = `
  SELECT
    (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS tables,
    (SELECT sum(size) FROM pg_ls_waldir()) AS wal,
    pg_current_wal_lsn() - '0/0'::pg_lsn AS written`;

/** As a front-end opens it. */
export async function openStore({ databaseUrl, redisUrl }: ClusterAddress): Promise<Store> {
  const limits = {
    queueDepthMax,
    dedupeWindowMs: 7 * 86_400_000,
    groupLifeMs: 400 * 86_400_000,
    appendsInFlightMax: 20_000,
  };
  return await openClusterStore({
    postgres: { url: databaseUrl, limits, clock: Date.now },
    redis: redisUrl === undefined ? undefined : { url: redisUrl, mode: "single" },
  });
}
