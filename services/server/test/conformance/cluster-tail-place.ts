/**
 * The cluster's store with the hot tail, for inboxes that are all read by subscription. With each read the tail is asked
 * too, and must answer nothing else.
 */
import assert from "node:assert/strict";
import { openClusterStore, raiseStoreEpoch } from "../../src/store/index.ts";
import type { Append, Appended, MessageLog, Store } from "../../src/store/port.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type Place, type Subject, startMs } from "./subject.ts";

/** Started when first needed; it ends with this process. */
let shared: Promise<RedisProcess> | undefined;
/** Of reads that the tail answered too. */
let answered = 0;

export function tailAnswers(): number {
  return answered;
}

async function makePlace(): Promise<Place> {
  const [database, redis] = await Promise.all([
    (await sharedPostgres()).createDatabase(),
    (shared ??= RedisProcess.start()),
  ]);
  // as if it had been made by the test's clock; and so were the databases of other places
  await database.query("UPDATE meta SET value = $1 WHERE name = 'store_epoch'", [startMs]);
  redis.command("FLUSHALL");
  return {
    keeps: true,
    async open({ raiseStoreEpoch: raises = false, ...options }) {
      if (raises) await raiseStoreEpoch({ url: database.url, clock: options.clock });
      const [row] = await database.query("SELECT value FROM meta WHERE name = 'store_epoch'");
      const store = await openClusterStore({
        postgres: { url: database.url, ...options },
        redis: { url: redis.url, mode: "single", hotTail: true },
      });
      return { ...store, log: checkedLog(store, BigInt(row?.["value"] as string)) };
    },
    dispose: async () => undefined,
  };
}

function checkedLog({ log, wakeups }: Store, storeEpoch: bigint): MessageLog {
  const claimAll = (entries: readonly Append[]): void => {
    for (const { inbox } of entries) wakeups.claim?.(inbox, "0");
  };
  return {
    ...log,
    async append(entry) {
      claimAll([entry]);
      return withoutTail(await log.append(entry));
    },
    async appendAll(entries) {
      claimAll(entries);
      return (await log.appendAll(entries)).map(withoutTail);
    },
    async read(query) {
      const tailQuery = { ...query, storeEpoch: query.storeEpoch || storeEpoch, inTail: true };
      const [found, answer] = await Promise.all([log.readTail?.(tailQuery), log.read(query)]);
      if (found === undefined || query.after < answer.gap.upTo) return answer;
      answered++;
      const length = Math.min(found.messages.length, answer.messages.length);
      assert.deepEqual(
        found.messages.slice(0, length).map((message) => ({ ...message, payload: Buffer.from(message.payload) })),
        answer.messages.slice(0, length).map((message) => ({ ...message, payload: Buffer.from(message.payload) })),
      );
      assert.ok(found.messages.length <= answer.messages.length);
      return answer;
    },
  };
}

function withoutTail(appended: Appended): Appended {
  return appended.kind === "stored" ? { kind: "stored", seq: appended.seq } : appended;
}

export const clusterWithTail: Subject = { name: "Postgres and Redis with the hot tail", keeps: true, makePlace };
