/** Front-ends with the hot tail on one database and one Redis, and readers by subscription who say what they were given. */
import assert from "node:assert/strict";
import type { InboxKey, LimitName } from "quicproquo-proto";
import { limits as limitRows } from "quicproquo-proto";
import { PushBudget } from "../../src/delivery/push-budget.ts";
import { newFoundCounts } from "../../src/delivery/readers.ts";
import type { Subscription } from "../../src/delivery/subscription.ts";
import { Subscriptions } from "../../src/delivery/subscriptions.ts";
import { type ClusterStore, openClusterStore } from "../../src/store/index.ts";
import type { Append, Appended, ReadAnswer } from "../../src/store/port.ts";
import type { RedisOptions } from "../../src/store/redis/open.ts";
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

export class TailFrontEnds implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly stores: readonly ClusterStore[];
  nowMs = startMs;

  private constructor(database: TestDatabase, stores: readonly ClusterStore[]) {
    this.database = database;
    this.stores = stores;
  }

  /** Two, and more if asked for. */
  static async open(redis: Pick<RedisOptions, "url"> & Partial<RedisOptions>, count = 2): Promise<TailFrontEnds> {
    const database = await (await sharedPostgres()).createDatabase();
    // all databases are copies of one, whose streams must not be theirs
    await database.query("UPDATE meta SET value = $1 WHERE name = 'store_epoch'", [startMs + ++databases]);
    const stores: ClusterStore[] = [];
    const all = new TailFrontEnds(database, stores);
    for (let i = 0; i < count; i++) {
      const options = { mode: "single", probeMs, commandMsMax: 500, connectMsMax: 500, hotTail: true } as const;
      stores.push(
        await openClusterStore({
          postgres: { url: database.url, limits: defaultLimits, clock: () => all.nowMs },
          redis: { ...options, ...redis, url: redis.url },
        }),
      );
    }
    return all;
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
export class TailReader {
  readonly answers: ReadAnswer[] = [];
  readonly subscription: Subscription;
  #waiting: (() => void)[] = [];

  constructor(store: ClusterStore, inbox: InboxKey = alice) {
    const { log, wakeups } = store;
    const clock = Date.now;
    const parts = { log, wakeups, limits, subscriptionsMax: 10, clock, found: newFoundCounts() };
    const sink = {
      deliver: async (answer: ReadAnswer) => {
        this.answers.push(answer);
        for (const look of this.#waiting.splice(0)) look();
      },
      end: (reason: unknown) => assert.equal(reason, undefined),
    };
    const query = { inbox, after: 0n, storeEpoch: 0n, window: 0, windowBytes: 0 };
    this.subscription = new Subscriptions(parts).open(query, sink, new PushBudget(1_000_000));
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
