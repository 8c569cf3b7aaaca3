/** Front-ends with the hot tail on one database and one Redis, and readers by subscription who say what they were given. */
import assert from "node:assert/strict";
import { Client } from "pg";
import type { InboxKey, LimitName } from "quicproquo-proto";
import { limits as limitRows } from "quicproquo-proto";
import { PushBudget } from "../../src/delivery/push-budget.ts";
import { newFoundCounts } from "../../src/delivery/readers.ts";
import type { Subscription } from "../../src/delivery/subscription.ts";
import { Subscriptions } from "../../src/delivery/subscriptions.ts";
import { type ClusterStore, openClusterStore } from "../../src/store/index.ts";
import type { Append, Appended, ReadAnswer, ReadQuery } from "../../src/store/port.ts";
import type { RedisOptions } from "../../src/store/redis/open.ts";
import { type Partition, partitions } from "../../src/store/redis/partitions.ts";
import { tailName } from "../../src/store/redis/tail-entry.ts";
import { superuser } from "../../testing/postgres-cluster.ts";
import { sharedPostgres, type TestDatabase } from "../../testing/postgres.ts";
import { defaultLimits, inboxOf, startMs } from "../conformance/subject.ts";
import { probeMs, until } from "./rig.ts";

const limits = Object.fromEntries(Object.entries(limitRows).map(([name, row]) => [name, row.default])) as Record<
  LimitName,
  number
>;

export const alice = inboxOf("alice");
const lifeMs = 60_000;
let databases = 0;

type Redis = Pick<RedisOptions, "url"> & Partial<RedisOptions>;

export class TailFrontEnds implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly storeEpoch: bigint;
  readonly stores: ClusterStore[] = [];
  readonly #redis: Redis;
  nowMs = startMs;

  private constructor(database: TestDatabase, storeEpoch: number, redis: Redis) {
    this.database = database;
    this.storeEpoch = BigInt(storeEpoch);
    this.#redis = redis;
  }

  static async open(redis: Redis): Promise<TailFrontEnds> {
    const database = await (await sharedPostgres()).createDatabase();
    // all databases are copies of one, whose streams must not be theirs
    const storeEpoch = startMs + ++databases;
    await database.query("UPDATE meta SET value = $1 WHERE name = 'store_epoch'", [storeEpoch]);
    const frontEnds = new TailFrontEnds(database, storeEpoch, redis);
    for (let i = 0; i < 2; i++) frontEnds.stores.push(await frontEnds.#openOne());
    return frontEnds;
  }

  async openAnother(): Promise<{ readonly store: ClusterStore } & AsyncDisposable> {
    const store = await this.#openOne();
    return { store, [Symbol.asyncDispose]: () => store.close() };
  }

  async #openOne(): Promise<ClusterStore> {
    return await openClusterStore({
      postgres: { url: this.database.url, limits: defaultLimits, clock: () => this.nowMs },
      redis: {
        mode: "single",
        probeMs,
        commandMsMax: 500,
        connectMsMax: 500,
        hotTail: true,
        ...this.#redis,
        url: this.#redis.url,
      },
    });
  }

  /** Of one Redis. */
  tailName(inbox: InboxKey): string {
    return tailName(partitions[0] as Partition, inbox, this.storeEpoch);
  }

  /** Nothing is committed to an inbox until it is disposed of. */
  async lockCommits(): Promise<{ isWaitedFor(): Promise<void> } & AsyncDisposable> {
    const { cluster, name } = this.database;
    const client = new Client({ host: cluster.folder, port: cluster.port, user: superuser, database: name });
    await client.connect();
    await client.query("BEGIN; LOCK TABLE inbox IN SHARE MODE");
    let isOver = false;
    return {
      async isWaitedFor() {
        const waiting = "SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'inbox'::regclass";
        while ((await client.query(waiting)).rows[0]?.n === 0);
      },
      async [Symbol.asyncDispose]() {
        if (isOver) return;
        isOver = true;
        await client.query("COMMIT");
        await client.end();
      },
    };
  }

  get [0](): ClusterStore {
    return this.stores[0] as ClusterStore;
  }

  get [1](): ClusterStore {
    return this.stores[1] as ClusterStore;
  }

  /** Both know of a reader of the inbox, and Redis is there. */
  async knowReader(inbox: InboxKey = alice): Promise<void> {
    // nobody's word is less
    for (const store of this.stores) store.wakeups.claim?.(inbox, "0");
    await until(() => this.stores.every((store) => store.condition().redis === "up"));
  }

  message(text: string, options: Partial<Append> = {}): Append {
    const payload = Buffer.from(text);
    return { inbox: alice, payload, messageId: undefined, expiresAtMs: this.nowMs + lifeMs, ...options };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.stores) await store.close();
  }
}

/** As the delivery domain does: the hint follows the durable answer. */
export async function send(store: ClusterStore, entry: Append): Promise<Appended> {
  const appended = await store.log.append(entry);
  store.wakeups.publish(entry.inbox, appended.kind === "stored" && appended.inTail);
  return appended;
}

/** A subscription of the real domain. Each seq must come once, in order. */
export class TailReader implements Disposable {
  readonly answers: ReadAnswer[] = [];
  readonly subscription: Subscription;
  /** Of Postgres. */
  logReads = 0;
  #waiting: (() => void)[] = [];

  /** `taken`: of every push. */
  constructor(store: ClusterStore, { windowBytes = 0, taken = Promise.resolve() } = {}) {
    const { wakeups } = store;
    const clock = Date.now;
    const log = { ...store.log, read: (query: ReadQuery) => this.#readLog(store, query) };
    const parts = { log, wakeups, limits, subscriptionsMax: 10, clock, found: newFoundCounts() };
    const sink = {
      deliver: async (answer: ReadAnswer) => {
        this.answers.push(answer);
        for (const look of this.#waiting.splice(0)) look();
        await taken;
      },
      end: (reason: unknown) => assert.equal(reason, undefined),
    };
    const query = { inbox: alice, after: 0n, storeEpoch: 0n, window: 0, windowBytes };
    this.subscription = new Subscriptions(parts).open(query, sink, new PushBudget(1_000_000));
  }

  /** Before its front-end is closed. */
  [Symbol.dispose](): void {
    this.subscription.end();
  }

  async #readLog(store: ClusterStore, query: ReadQuery): Promise<ReadAnswer> {
    this.logReads++;
    return await store.log.read(query);
  }

  get seqs(): bigint[] {
    return this.answers.flatMap(({ messages }) => messages.map(({ seq }) => seq));
  }

  get texts(): string[] {
    return this.answers.flatMap(({ messages }) => messages.map(({ payload }) => Buffer.from(payload).toString()));
  }

  /** Until it holds of what was pushed; the test's own time limit says when it never will. */
  async sees(holds: (reader: this) => boolean): Promise<void> {
    while (!holds(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export function tailCounts(store: ClusterStore): { written: number; hits: number; misses: number } {
  const { tailWritten = 0, tailHits = 0, tailMisses = 0 } = store.stats().redis ?? {};
  return { written: tailWritten, hits: tailHits, misses: tailMisses };
}
