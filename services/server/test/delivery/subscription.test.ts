/** A subscription pushes everything once, in order, within its windows, whatever comes, goes and is taken when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ChannelId, type IdentityKey, inboxKeyOf, limits as limitRows, QpqError } from "quicproquo-proto";
import { PushBudget } from "../../src/delivery/push-budget.ts";
import { newFoundCounts } from "../../src/delivery/readers.ts";
import type { Sink, Subscription } from "../../src/delivery/subscription.ts";
import { Subscriptions, type SubscriptionsParts } from "../../src/delivery/subscriptions.ts";
import { createMemoryStore, type ReadAnswer, type Store } from "../../src/store/index.ts";

const limits = Object.fromEntries(Object.entries(limitRows).map(([name, row]) => [name, row.default])) as {
  [Name in keyof typeof limitRows]: number;
};
const channelId = new Uint8Array(0) as ChannelId;
const keyOf = (n: number): IdentityKey => new Uint8Array(32).fill(n) as IdentityKey;
/** Everything that can run has run: the store in memory needs microtasks only. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Push = { readonly answer: ReadAnswer; readonly take: () => void; readonly refuse: () => void };

/** A reader that takes what it gets when the test says so. */
class Reader implements Sink {
  readonly pushes: Push[] = [];
  readonly all: ReadAnswer[] = [];
  ended: QpqError | "by the reader" | undefined;

  deliver(answer: ReadAnswer): Promise<void> {
    this.all.push(answer);
    return new Promise((resolve, reject) => {
      this.pushes.push({ answer, take: resolve, refuse: () => reject(new Error("no")) });
    });
  }

  end(reason: QpqError | undefined): void {
    assert.equal(this.ended, undefined, "ended twice");
    this.ended = reason ?? "by the reader";
  }

  get untaken(): { messages: number; bytes: number; withBytes: number } {
    const sizes = this.pushes.flatMap(({ answer }) => answer.messages.map(({ payload }) => payload.length));
    const withBytes = sizes.filter((size) => size > 0).length;
    return { messages: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0), withBytes };
  }

  get seqs(): number[] {
    return this.all.flatMap(({ messages }) => messages.map(({ seq }) => Number(seq)));
  }

  take(): boolean {
    const push = this.pushes.shift();
    push?.take();
    return push !== undefined;
  }

  async takeAll(): Promise<void> {
    do await quiet();
    while (this.take());
  }
}

class Rig {
  now = 1_000_000;
  readonly found = newFoundCounts();
  readonly store: Store;
  readonly subscriptions: Subscriptions;
  readonly budget: PushBudget;

  constructor({ queueDepthMax = 1_000, budgetBytes = 1 << 24, subscriptionsMax = 100 } = {}) {
    this.store = createMemoryStore({
      limits: { queueDepthMax, dedupeWindowMs: 1e9, groupLifeMs: 1e9, appendsInFlightMax: 10_000 },
      clock: () => this.now,
    });
    const { log, wakeups } = this.store;
    this.subscriptions = this.frontEnd({ log, wakeups, subscriptionsMax });
    this.budget = new PushBudget(budgetBytes);
  }

  /** Another one over the same store, unless told otherwise. */
  frontEnd(parts: Partial<SubscriptionsParts> = {}): Subscriptions {
    const { log, wakeups } = this.store;
    const { found } = this;
    return new Subscriptions({ log, wakeups, limits, subscriptionsMax: 100, clock: () => this.now, found, ...parts });
  }

  async append(n: number, bytes = 10, lifeMs = 1e9): Promise<void> {
    const inbox = inboxKeyOf(keyOf(n), channelId);
    const payload = new Uint8Array(bytes);
    await this.store.log.append({ inbox, payload, messageId: undefined, expiresAtMs: this.now + lifeMs });
    this.store.wakeups.publish(inbox);
  }

  open(n: number, reader: Reader, query: Partial<Parameters<Subscriptions["open"]>[0]> = {}): Subscription {
    const whole = {
      inbox: inboxKeyOf(keyOf(n), channelId),
      after: 0n,
      storeEpoch: 0n,
      window: 0,
      windowBytes: 0,
      ...query,
    };
    return this.subscriptions.open(whole, reader, this.budget);
  }
}

test("the first push comes although there is nothing, and says where the inbox stands", async () => {
  const rig = new Rig();
  for (let i = 0; i < 3; i++) await rig.append(1);
  await rig.store.log.ack(inboxKeyOf(keyOf(1), channelId), 3n, 0n);
  const reader = new Reader();
  rig.open(1, reader);
  await reader.takeAll();
  const [first, ...more] = reader.all;
  assert.deepEqual([first?.messages, first?.gap], [[], { kind: "none", upTo: 3n }]);
  assert.notEqual(first?.storeEpoch, 0n);
  assert.deepEqual(more, []);
});

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), bytes: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("shortLived" as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("ack" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("quiet" as const) }) },
);

test("every message is pushed once, in order and within both windows, or its loss is told", async () => {
  const run = async (
    window: number,
    windowBytes: number,
    budgetBytes: number,
    operations: readonly { do: string; bytes?: number }[],
  ) => {
    const rig = new Rig({ budgetBytes });
    const inbox = inboxKeyOf(keyOf(1), channelId);
    const reader = new Reader();
    rig.open(1, reader, { window, windowBytes });
    let appended = 0;
    let acked = 0;
    const check = (): void => {
      const { messages, bytes, withBytes } = reader.untaken;
      if (messages <= 1) return;
      assert.ok(messages <= window, `${messages} of ${window} messages`);
      if (withBytes <= 1) return; // a large one may go alone; tombstones have no bytes
      assert.ok(bytes <= Math.min(windowBytes, budgetBytes), `${bytes} of ${windowBytes} and ${budgetBytes} bytes`);
    };
    for (const one of operations) {
      if (one.do === "append") await rig.append(1, one.bytes);
      else if (one.do === "shortLived") await rig.append(1, 5, 10);
      else if (one.do === "take") reader.take();
      else if (one.do === "quiet") await quiet();
      else if (one.do === "sweep") {
        rig.now += 20;
        await rig.store.log.sweep(100);
      } else {
        acked = Math.max(acked, reader.seqs.at(-1) ?? 0);
        await rig.store.log.ack(inbox, BigInt(acked), 0n);
      }
      if (one.do === "append" || one.do === "shortLived") appended++;
      check();
    }
    await reader.takeAll();
    const { seqs } = reader;
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].toSorted((a, b) => a - b),
      "in order, none twice",
    );
    const told = Math.max(0, ...reader.all.filter(({ gap }) => gap.kind !== "none").map(({ gap }) => Number(gap.upTo)));
    for (let seq = 1; seq <= appended; seq++) assert.ok(seqs.includes(seq) || seq <= told, `${seq} was not pushed`);
    assert.equal(reader.untaken.messages, 0);
    assert.equal(rig.budget.bytes, 0);
  };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 900 }),
      fc.integer({ min: 1, max: 900 }),
      fc.array(operation, { maxLength: 60 }),
      run,
    ),
    { numRuns: 500 },
  );
});

test("an old storeEpoch is told as epochReset, and the push begins behind what is acknowledged", async () => {
  const rig = new Rig();
  for (let i = 0; i < 3; i++) await rig.append(1);
  await rig.store.log.ack(inboxKeyOf(keyOf(1), channelId), 1n, 0n);
  const reader = new Reader();
  rig.open(1, reader, { after: 70n, storeEpoch: 1n });
  await reader.takeAll();
  assert.equal(reader.all[0]?.gap.kind, "epochReset");
  assert.deepEqual(reader.seqs, [2, 3]);
  await rig.append(1);
  await reader.takeAll();
  assert.deepEqual(reader.seqs, [2, 3, 4]);
  assert.equal(reader.all.filter(({ gap }) => gap.kind === "epochReset").length, 1, "told once");
});

test("a newer subscription on an inbox ends the older, which is told so and gets nothing more", async () => {
  const rig = new Rig();
  const [older, newer] = [new Reader(), new Reader()];
  rig.open(1, older);
  await older.takeAll();
  rig.open(1, newer);
  assert.ok(older.ended instanceof QpqError && older.ended.code === "E062_SUBSCRIPTION_REPLACED");
  await rig.append(1);
  await newer.takeAll();
  assert.deepEqual([older.seqs, newer.seqs], [[], [1]]);
  assert.equal(rig.subscriptions.size, 1);
});

test("the end of a replaced subscription leaves the newer one in its place", async () => {
  const rig = new Rig();
  const [older, newer] = [new Reader(), new Reader()];
  const first = rig.open(1, older);
  rig.open(1, newer);
  first.end();
  assert.equal(rig.subscriptions.size, 1);
  rig.open(1, new Reader());
  assert.ok(newer.ended instanceof QpqError);
});

test("readers of all inboxes together get no more than the budget of their RPC session, and each its turn", async () => {
  const rig = new Rig({ budgetBytes: 250 });
  const readers = Array.from({ length: 8 }, () => new Reader());
  for (const n of readers.keys()) for (let i = 0; i < 5; i++) await rig.append(n, 100);
  for (const [n, reader] of readers.entries()) rig.open(n, reader);
  const untaken = (): number => readers.reduce((sum, reader) => sum + reader.untaken.bytes, 0);
  for (let rounds = 0; ; rounds++) {
    await quiet();
    assert.ok(untaken() <= 250, `${untaken()} bytes`);
    if (!readers.map((reader) => reader.take()).some(Boolean)) break;
    assert.ok(rounds < 100);
  }
  for (const reader of readers) assert.deepEqual(reader.seqs, [1, 2, 3, 4, 5]);
});

test("a message larger than every window goes alone, and is not overtaken by others of the RPC session", async () => {
  const rig = new Rig({ budgetBytes: 100 });
  const [large, small] = [new Reader(), new Reader()];
  for (let i = 0; i < 50; i++) await rig.append(2, 30);
  rig.open(2, small, { window: 1 });
  await quiet();
  await rig.append(1, 5_000);
  rig.open(1, large, { windowBytes: 10 });
  for (let i = 0; i < 4; i++) {
    await quiet();
    small.take();
  }
  await quiet();
  assert.deepEqual(large.seqs, [1]);
  assert.ok(small.seqs.length < 10, "it waited for the large one");
});

test("a sink that refuses a push ends its subscription with E063_SINK_FAILED", async () => {
  const rig = new Rig();
  const reader = new Reader();
  rig.open(1, reader);
  await quiet();
  reader.pushes.shift()?.refuse();
  await quiet();
  assert.ok(reader.ended instanceof QpqError && reader.ended.code === "E063_SINK_FAILED");
  assert.equal(rig.subscriptions.size, 0);
});

test("a drain ends every subscription with a time to wait and lets no new one in", async () => {
  const rig = new Rig();
  const readers = [new Reader(), new Reader()];
  for (const [n, reader] of readers.entries()) rig.open(n, reader);
  rig.subscriptions.drain();
  for (const { ended } of readers) {
    assert.ok(ended instanceof QpqError && ended.code === "E033_SHUTTING_DOWN");
    assert.ok(ended.retryAfterMs !== undefined && ended.retryAfterMs >= 0);
  }
  assert.throws(() => rig.open(3, new Reader()), { code: "E033_SHUTTING_DOWN" });
});

test("a drain with time tells its readers a few at a time, and is over when all are told", async () => {
  const rig = new Rig();
  const readers = Array.from({ length: 100 }, () => new Reader());
  for (const [n, reader] of readers.entries()) rig.open(n, reader);
  const told = (): number => readers.filter(({ ended }) => ended !== undefined).length;
  const drained = rig.subscriptions.drain(200);
  assert.ok(told() > 0 && told() <= 20, `${told()} at once`);
  assert.throws(() => rig.open(101, new Reader()), { code: "E033_SHUTTING_DOWN" });
  await drained;
  assert.equal(told(), 100);
  assert.equal(rig.subscriptions.size, 0);
});

test("beyond subscriptionsMax a new inbox is E021_OVERLOADED, one that has a subscription is not", () => {
  const rig = new Rig({ subscriptionsMax: 2 });
  rig.open(1, new Reader());
  rig.open(2, new Reader());
  assert.throws(() => rig.open(3, new Reader()), { code: "E021_OVERLOADED" });
  rig.open(2, new Reader());
  assert.equal(rig.subscriptions.size, 2);
});

test("an append between a read and its answer is not missed", async () => {
  const rig = new Rig();
  const { log } = rig.store;
  const answered = Promise.withResolvers<void>();
  let reads = 0;
  const slowLog = Object.assign(Object.create(log) as typeof log, {
    async read(query: Parameters<typeof log.read>[0]) {
      const answer = await log.read(query);
      // the second look finds nothing; its answer is on its way while a message is appended
      if (++reads === 2) await answered.promise;
      return answer;
    },
  });
  const subscriptions = rig.frontEnd({ log: slowLog });
  const reader = new Reader();
  const query = { inbox: inboxKeyOf(keyOf(1), channelId), after: 0n, storeEpoch: 0n, window: 0, windowBytes: 0 };
  subscriptions.open(query, reader, rig.budget);
  await reader.takeAll();
  assert.equal(reads, 2);
  await rig.append(1);
  answered.resolve();
  await reader.takeAll();
  assert.deepEqual(reader.seqs, [1]);
});

test("what is pushed is counted once by what made it look: the first one, then the hint", async () => {
  const rig = new Rig();
  for (let i = 0; i < 3; i++) await rig.append(1);
  const reader = new Reader();
  rig.open(1, reader, { window: 2 });
  await reader.takeAll();
  assert.deepEqual(rig.found, { first: 2, hint: 0, timer: 0, reconnect: 0 });
  await rig.append(1);
  await reader.takeAll();
  assert.deepEqual(rig.found, { first: 2, hint: 1, timer: 0, reconnect: 0 });
});

test("a newer subscription ends the older one at another front-end, and is not ended by an older one's word", async () => {
  const rig = new Rig();
  const far = rig.frontEnd();
  const query = { inbox: inboxKeyOf(keyOf(1), channelId), after: 0n, storeEpoch: 0n, window: 0, windowBytes: 0 };
  const [first, second, third] = [new Reader(), new Reader(), new Reader()];
  rig.open(1, first);
  rig.now++;
  far.open(query, second, rig.budget);
  assert.equal((first.ended as QpqError).code, "E062_SUBSCRIPTION_REPLACED");
  rig.now++;
  rig.open(1, third);
  assert.equal((second.ended as QpqError).code, "E062_SUBSCRIPTION_REPLACED");
  rig.store.wakeups.claim?.(query.inbox, "0");
  assert.equal(third.ended, undefined);
  assert.deepEqual([rig.subscriptions.size, far.size], [1, 0]);
  await rig.append(1);
  await third.takeAll();
  assert.deepEqual(third.seqs, [1]);
});

test("of several subscriptions of one front-end in one millisecond the last stays", () => {
  const rig = new Rig();
  const readers = Array.from({ length: 20 }, () => new Reader());
  for (const reader of readers) rig.open(1, reader);
  assert.deepEqual(
    readers.map(({ ended }) => ended === undefined),
    readers.map((_, i) => i === 19),
  );
  const words: string[] = [];
  void rig.store.wakeups.subscribe(inboxKeyOf(keyOf(1), channelId), {
    onHint() {},
    onClaim: (word) => words.push(word),
  });
  for (let i = 0; i < 20; i++) rig.open(1, new Reader());
  assert.deepEqual(words, words.toSorted(), "so that its own front-end's echo never ends the newer one");
});

test("nothing is pushed after the reader has ended it", async () => {
  const rig = new Rig();
  const reader = new Reader();
  const subscription = rig.open(1, reader);
  await reader.takeAll();
  const appending = rig.append(1);
  subscription.end();
  await appending;
  await quiet();
  assert.deepEqual(reader.seqs, []);
  assert.equal(reader.ended, "by the reader");
});
