/** Readers whose hints were lost are found by one query for many, and the store is not asked more than that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InboxKey } from "quicproquo-proto";
import { newFoundCounts, type Reader } from "../../src/delivery/readers.ts";
import { SafetySweep, type SweepPace } from "../../src/delivery/safety-sweep.ts";
import { Waiters } from "../../src/delivery/waiters.ts";
import type { Cursor, HintSource, WakeupListener } from "../../src/store/port.ts";

const inboxOf = (n: number): InboxKey => n.toString().padStart(32, "0") as InboxKey;
const unused = 2 ** 30;

class Idle implements Reader {
  readonly inbox: InboxKey;
  readonly after: bigint;
  readonly storeEpoch = 7n;
  isIdle = true;
  readonly looks: HintSource[] = [];
  constructor(n: number, after = 0n) {
    this.inbox = inboxOf(n);
    this.after = after;
  }
  lookFor(source: HintSource): void {
    this.looks.push(source);
  }
}

/** A store that answers when the test says so, and the readers that ask it. */
class Rig implements Disposable {
  readonly readers: Idle[] = [];
  readonly queries: (readonly Cursor[])[] = [];
  readonly sweep: SafetySweep;
  running = 0;
  runningMost = 0;
  #onQuery = Promise.withResolvers<PromiseWithResolvers<readonly InboxKey[]>>();

  constructor(pace: Partial<SweepPace>) {
    this.sweep = new SafetySweep({
      pace: { roundMs: unused, soonMs: unused, failedMs: unused, ...pace },
      count: () => this.readers.length,
      readers: () => this.readers,
      readHeads: async (cursors) => {
        this.queries.push(cursors);
        this.runningMost = Math.max(this.runningMost, ++this.running);
        const answer = Promise.withResolvers<readonly InboxKey[]>();
        this.#onQuery.resolve(answer);
        return await answer.promise.finally(() => this.running--);
      },
    });
    this.sweep.start();
  }

  /** The next query, which waits for its answer. */
  async query(): Promise<PromiseWithResolvers<readonly InboxKey[]>> {
    const query = await this.#onQuery.promise;
    this.#onQuery = Promise.withResolvers();
    return query;
  }

  [Symbol.dispose](): void {
    this.sweep.stop();
  }
}

test("a round asks for every idle reader once, at most 1,000 a query, and tells those with news to look", async () => {
  using rig = new Rig({ roundMs: 1 });
  for (let n = 0; n < 2_500; n++) rig.readers.push(new Idle(n, BigInt(n)));
  const [busy, told] = [rig.readers[7], rig.readers[1_200]] as [Idle, Idle];
  busy.isIdle = false;
  for (let i = 0; i < 3; i++) (await rig.query()).resolve(i === 1 ? [told.inbox] : []);
  await rig.query(); // of the next round
  const [first, second, third, fourth] = rig.queries;
  assert.deepEqual([first?.length, second?.length, third?.length, fourth?.length], [1_000, 1_000, 499, 1_000]);
  const asked = [first, second, third].flatMap((cursors) => cursors ?? []);
  const idle = rig.readers.filter((reader) => reader !== busy);
  assert.deepEqual(
    asked,
    idle.map(({ inbox, after, storeEpoch }) => ({ inbox, after, storeEpoch })),
  );
  assert.deepEqual(told.looks, ["timer"]);
  assert.ok(rig.readers.every((reader) => reader === told || reader.looks.length === 0));
  assert.equal(rig.runningMost, 1);
});

test("after a cut 2,500 readers are asked for in 3 queries, one after the other, and only those with news look", async () => {
  using rig = new Rig({ soonMs: 1 });
  const readers = Array.from({ length: 2_500 }, (_, n) => new Idle(n));
  const [busy, gone, told] = readers as [Idle, Idle, Idle];
  busy.isIdle = false;
  for (const reader of readers) rig.sweep.askSoon(reader, "reconnect");
  rig.sweep.forget(gone);
  for (let i = 0; i < 3; i++) {
    const query = await rig.query();
    // a cut while a query is under way
    if (i === 0) rig.sweep.askSoon(told, "reconnect");
    query.resolve(i === 2 ? [told.inbox] : []);
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    rig.queries.map((cursors) => cursors.length),
    [1_000, 1_000, 499],
  );
  assert.deepEqual([busy.looks, told.looks], [["reconnect"], ["reconnect"]], "one that is looking looks once more");
  assert.ok(readers.slice(3).every(({ looks }) => looks.length === 0));
  assert.equal(rig.runningMost, 1);
});

test("a store that fails is asked again after a pause, for the same readers and those who came since", async () => {
  using rig = new Rig({ soonMs: 1, failedMs: 1 });
  const [first, second] = [new Idle(1), new Idle(2)];
  rig.sweep.askSoon(first, "reconnect");
  const failing = await rig.query();
  rig.sweep.askSoon(second, "reconnect");
  failing.reject(new Error("away"));
  (await rig.query()).resolve([first.inbox]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(new Set(rig.queries[1]?.map(({ inbox }) => inbox)), new Set([first.inbox, second.inbox]));
  assert.deepEqual([first.looks, second.looks], [["reconnect"], []]);
});

test("a parked call whose hint was lost is answered, and counted as found by the timer", async () => {
  const found = newFoundCounts();
  const deaf = { publish() {}, subscribe: () => undefined, unsubscribe() {} };
  let messages = 0;
  const sweep: SafetySweep = new SafetySweep({
    pace: { roundMs: 1 },
    count: () => waiters.size,
    readers: () => waiters.readers,
    readHeads: async (cursors) => (messages === 0 ? [] : cursors.map(({ inbox }) => inbox)),
  });
  const waiters: Waiters = new Waiters({ wakeups: deaf, waitersMax: 1, sweep, found });
  sweep.start();
  let looks = 0;
  const look = async (): Promise<number> => {
    looks++;
    return messages;
  };
  const answer = new Promise<number>((resolve, failed) => {
    const waiting = {
      inbox: inboxOf(1),
      after: 0n,
      storeEpoch: 0n,
      look,
      isEnough: Boolean,
      found: resolve,
      failed,
      onGone() {},
    };
    waiters.wait(waiting, 300_000);
  });
  await new Promise((resolve) => setImmediate(resolve));
  messages = 1;
  assert.equal(await answer, 1);
  assert.deepEqual([looks, found], [2, { first: 0, hint: 0, timer: 1, reconnect: 0 }]);
  sweep.stop();
});

test("a parked call that is told of a cut is asked for with the others before it reads, and leaves no trace", async () => {
  using rig = new Rig({ soonMs: 1 });
  const found = newFoundCounts();
  const listeners = new Set<WakeupListener>();
  const wakeups = {
    publish() {},
    subscribe: (_: InboxKey, listener: WakeupListener): undefined => void listeners.add(listener),
    unsubscribe: (_: InboxKey, listener: WakeupListener) => void listeners.delete(listener),
  };
  const waiters = new Waiters({ wakeups, waitersMax: 2, sweep: rig.sweep, found });
  const looks = new Map<InboxKey, number>();
  const [quiet, loud] = [inboxOf(1), inboxOf(2)];
  const wait = (inbox: InboxKey): Promise<number> => {
    const look = async (): Promise<number> => {
      looks.set(inbox, (looks.get(inbox) ?? 0) + 1);
      return inbox === loud ? (looks.get(inbox) as number) - 1 : 0;
    };
    return new Promise((resolve, failed) => {
      waiters.wait(
        { inbox, after: 0n, storeEpoch: 0n, look, isEnough: Boolean, found: resolve, failed, onGone() {} },
        300_000,
      );
    });
  };
  const [none, answer] = [wait(quiet), wait(loud)];
  await new Promise((resolve) => setImmediate(resolve));
  for (const listener of listeners) listener.onHint("reconnect");
  (await rig.query()).resolve([loud]);
  assert.equal(await answer, 1);
  assert.deepEqual(
    [...looks],
    [
      [quiet, 1],
      [loud, 2],
    ],
  );
  assert.deepEqual(found, { first: 0, hint: 0, timer: 0, reconnect: 1 });
  waiters.drain();
  assert.equal(await none, 0);
});
