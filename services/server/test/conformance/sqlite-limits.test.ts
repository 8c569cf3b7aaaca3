/** Each limit of the SQLite store under hostile load. appendsInFlightMax and queueDepthMax are in the suites. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Gate } from "../../src/store/gate.ts";
import { WakeupHub } from "../../src/store/hub.ts";
import type { SqliteStoreOptions, Store } from "../../src/store/index.ts";
import { linkDefaults } from "../../src/store/sqlite/link.ts";
import { hasCode } from "./codes.ts";
import { makeSqlitePlace, sqlite } from "./folder-place.ts";
import { inboxOf, Setup, seqsOf, seqsUpTo, startMs } from "./subject.ts";

const alice = inboxOf("alice");

async function withStore(options: Partial<SqliteStoreOptions>, body: (store: Store) => Promise<void>): Promise<void> {
  await using place = await makeSqlitePlace();
  await body(await place.open(options));
}

const entryOf = (bytes: number) => ({
  inbox: alice,
  payload: new Uint8Array(bytes),
  messageId: undefined,
  expiresAtMs: startMs + 1_000,
});
const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 10_000, bytesMax: 2 ** 30 };

describe("limits of the SQLite store", () => {
  test("payloads beyond appendBytesInFlightMax are refused at once, one larger than all of it is let in alone", async () => {
    await withStore({ appendBytesInFlightMax: 10_000 }, async ({ log }) => {
      const first = log.append(entryOf(5_000));
      const refused = log.append(entryOf(5_000));
      await assert.rejects(refused, hasCode("E021_OVERLOADED"));
      assert.deepEqual(await first, { kind: "stored", seq: 1n });
      assert.deepEqual(await log.append(entryOf(50_000)), { kind: "stored", seq: 2n });
    });
  });

  test("a fan-out counts its shared payload once", async () => {
    await withStore({ appendBytesInFlightMax: 100_000 }, async ({ log }) => {
      const first = log.append(entryOf(1));
      const payload = new Uint8Array(50_000);
      const fanOut = log.appendAll(Array.from({ length: 50 }, () => ({ ...entryOf(0), payload })));
      assert.equal((await fanOut).length, 50);
      await first;
    });
  });

  test("reads and acks beyond callsInFlightMax are refused at once, each for themselves", async () => {
    await withStore({ callsInFlightMax: 5 }, async ({ log }) => {
      const reads = Array.from({ length: 5 }, () => log.read(query));
      const acks = Array.from({ length: 5 }, () => log.ack(alice, 1n, 0n));
      await assert.rejects(log.read(query), hasCode("E021_OVERLOADED"));
      await assert.rejects(log.ack(alice, 1n, 0n), hasCode("E021_OVERLOADED"));
      assert.deepEqual(await log.append(entryOf(1)), { kind: "stored", seq: 1n });
      await Promise.all([...reads, ...acks]);
      assert.deepEqual(seqsOf(await log.read(query)), [1n]);
    });
  });

  test("more calls and more bytes than one batch may hold go in several, in order", async () => {
    await withStore({}, async ({ log }) => {
      const sizes = Array.from({ length: 3 * linkDefaults.write.callsMax }, (_, i) => (i % 100 === 0 ? 1_500_000 : 10));
      const half = sizes.length / 2;
      const answers = await Promise.all(
        sizes.map((bytes, i) => log.append({ ...entryOf(bytes), inbox: inboxOf(`${i % 2}`) })),
      );
      assert.deepEqual(
        answers.filter((_, i) => i % 2 === 0),
        seqsUpTo(half).map((seq) => ({ kind: "stored", seq })),
      );
    });
  });

  test("parallel reads of more than an answer message may hold all get their whole answer", async () => {
    await withStore({}, async ({ log }) => {
      await Promise.all(Array.from({ length: 3 }, () => log.append(entryOf(1_000_000))));
      const answers = await Promise.all(Array.from({ length: 10 }, () => log.read(query)));
      for (const answer of answers) assert.deepEqual(seqsOf(answer), [1n, 2n, 3n]);
    });
  });

  test("health gives up when the store does not answer in time", async () => {
    await withStore({ healthMsMax: 1 }, async ({ log, health }) => {
      // One transaction of 48 MB stands before the probe.
      const busy = log.appendAll(Array.from({ length: 8 }, () => entryOf(6_000_000)));
      // Lanes send at the end of a turn: the writes of this one are with the worker before the probe.
      await setImmediate();
      await assert.rejects(health(), hasCode("E020_STORE_UNAVAILABLE"));
      await busy;
    });
  });

  test("times that are no whole numbers, or infinite, harm no batch", async () => {
    await using setup = await Setup.make(sqlite);
    setup.nowMs += 0.5;
    const entries = [setup.nowMs + 0.25, Number.POSITIVE_INFINITY].map((expiresAtMs) => ({
      ...entryOf(3),
      expiresAtMs,
    }));
    await setup.store.log.appendAll(entries);
    const { messages } = await setup.read(alice);
    assert.deepEqual(
      messages.map(({ expired }) => expired),
      [true, false],
    );
  });

  test("a hub refuses listeners beyond listenersMax and has room again after one has left", () => {
    const hub = new WakeupHub(2);
    const onHint = (): void => undefined;
    const [first, second, third] = [{ onHint }, { onHint }, { onHint }];
    hub.subscribe(alice, first);
    hub.subscribe(alice, second);
    assert.throws(() => hub.subscribe(alice, third), hasCode("E021_OVERLOADED"));
    hub.unsubscribe(alice, second);
    hub.subscribe(inboxOf("bob"), third);
    assert.equal(hub.listenerCount, 2);
  });

  test("a gate that refused has counted nothing", () => {
    const gate = new Gate({ name: "test", rowsMax: 3, bytesMax: 100 });
    gate.enter(2, 50);
    assert.throws(() => gate.enter(2, 1), hasCode("E021_OVERLOADED"));
    assert.throws(() => gate.enter(1, 51), hasCode("E021_OVERLOADED"));
    gate.enter(1, 50);
    gate.leave(3, 100);
    assert.equal(gate.rows, 0);
    gate.enter(3, 1_000);
  });
});
