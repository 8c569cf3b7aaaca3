/**
 * The store of several front-ends: Postgres is the truth, and Redis carries what may be lost between them. Promises what
 * port.ts and the Postgres store promise, whatever becomes of Redis; without it hints reach this front-end's own readers
 * only, and those of others wait for their safety sweep.
 */
import { WakeupHub } from "./hub.ts";
import { openPostgresStore, type PostgresStore, type PostgresStoreOptions } from "./postgres/open.ts";
import type { AccountStore, MessageLog } from "./port.ts";
import { openRedis, type RedisOptions, type RedisStats } from "./redis/open.ts";
import type { RedisTail } from "./redis/tail.ts";

export type ClusterStoreOptions = {
  readonly postgres: Omit<PostgresStoreOptions, "wakeups">;
  readonly redis: RedisOptions | undefined;
  /** Readers that may wait at this front-end. */
  readonly listenersMax?: number;
};

export type ClusterStore = Omit<PostgresStore, "stats"> & {
  /** `down`, and why: it works, and wakes readers of other front-ends late. `off`: there is none. */
  condition(): { readonly redis: "up" | "down" | "off"; readonly reason?: string };
  stats(): { readonly postgres: ReturnType<PostgresStore["stats"]>; readonly redis: RedisStats | undefined };
};

/**
 * E046_CONFIG, E037_STORE_SCHEMA (a database that was not migrated). Resolves also when Postgres or Redis cannot be
 * reached: calls are then answered as if it had been lost.
 */
export async function openClusterStore(options: ClusterStoreOptions): Promise<ClusterStore> {
  const { listenersMax } = options;
  const bound = listenersMax === undefined ? {} : { listenersMax };
  const redis = options.redis && (await openRedis({ ...options.redis, ...bound, clock: options.postgres.clock }));
  const tail = redis?.tail;
  let postgres: PostgresStore;
  try {
    postgres = await openPostgresStore({
      ...options.postgres,
      wakeups: redis?.wakeups ?? new WakeupHub(listenersMax),
      onStored: tail && ((stored) => tail.write(stored)),
    });
  } catch (error) {
    await redis?.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = async () => {
    await postgres.close();
    // last: what was finished meanwhile is told
    await redis?.close();
  };
  return {
    ...postgres,
    ...(tail && { log: logWith(postgres.log, tail), accounts: accountsWith(postgres.accounts, tail) }),
    ...(redis && { rates: redis.rates }),
    condition() {
      if (redis === undefined) return { redis: "off" };
      const reason = redis.failure();
      return { redis: redis.isUp() ? "up" : "down", ...(reason !== undefined && { reason }) };
    },
    stats: () => ({ postgres: postgres.stats(), redis: redis?.stats() }),
    close: () => (closing ??= close()),
  };
}

function logWith(log: MessageLog, tail: RedisTail): MessageLog {
  return {
    ...log,
    readTail: (query) => tail.read(query),
    async ack(inbox, upTo, storeEpoch) {
      const isDone = await log.ack(inbox, upTo, storeEpoch);
      if (isDone) tail.trim(inbox, upTo, storeEpoch);
      return isDone;
    },
  };
}

function accountsWith(accounts: AccountStore, tail: RedisTail): AccountStore {
  return {
    ...accounts,
    async deleteAccount(identity) {
      const devices = await accounts.listDevices(identity);
      await accounts.deleteAccount(identity);
      for (const key of [identity, ...devices.map(({ deviceKey }) => deviceKey)]) tail.forget(key);
    },
  };
}
