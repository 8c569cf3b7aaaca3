/** A full disk, a disk that fails, a thread that dies: errors of the table, and never a false acknowledgement. */
import assert from "node:assert/strict";
import diagnosticsChannel from "node:diagnostics_channel";
import { describe, test } from "node:test";
import type { Worker } from "node:worker_threads";
import type { Store } from "../../src/store/index.ts";
import { hasCode } from "./codes.ts";
import { type FolderPlace, makeSqlitePlace } from "./folder-place.ts";
import { identityOf, inboxOf, seqsOf, seqsUpTo, startMs } from "./subject.ts";

const alice = inboxOf("alice");
const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 10_000, bytesMax: 2 ** 30 };

function appendTo(store: Store, bytes = 10_000): Promise<unknown> {
  const entry = { inbox: alice, payload: new Uint8Array(bytes), messageId: undefined, expiresAtMs: startMs + 1_000 };
  return store.log.append(entry);
}

/** Appends one by one until the store is full; answers how many were acknowledged. */
async function fill(store: Store): Promise<number> {
  for (let acknowledged = 0; ; acknowledged++) {
    try {
      await appendTo(store);
    } catch (error) {
      assert.ok(hasCode("E035_STORE_FULL")(error));
      return acknowledged;
    }
  }
}

/** The store and its two threads, which it shows to nobody: Node tells of each thread that is started. */
async function openWithThreads(
  place: FolderPlace,
  onLost = () => {},
): Promise<{ store: Store; writer: Worker; reader: Worker }> {
  const started: Worker[] = [];
  const onWorker = (message: unknown) => started.push((message as { worker: Worker }).worker);
  diagnosticsChannel.subscribe("worker_threads", onWorker);
  const store = await place.open({ onLost });
  diagnosticsChannel.unsubscribe("worker_threads", onWorker);
  const [writer, reader] = started;
  assert.ok(writer !== undefined && reader !== undefined);
  return { store, writer, reader };
}

describe("failures of the SQLite store", () => {
  test("a full file answers E035, loses nothing acknowledged, and takes appends again after an ack", async () => {
    await using place = await makeSqlitePlace();
    const store = await place.open({ fileBytesMax: 1_000_000 });
    const acknowledged = await fill(store);
    assert.ok(acknowledged > 10);
    assert.deepEqual(seqsOf(await store.log.read(query)), seqsUpTo(acknowledged));
    await store.log.ack(alice, 5n, 0n);
    // The refused append used up no seq.
    assert.deepEqual(await appendTo(store), { kind: "stored", seq: BigInt(acknowledged + 1) });
  });

  test("a batch that does not fit is refused as a whole, and a file that was given more room takes it", async () => {
    await using place = await makeSqlitePlace();
    const small = await place.open({ fileBytesMax: 1_000_000 });
    const acknowledged = await fill(small);
    const inboxes = ["bob", "carol"].map(inboxOf);
    const entries = inboxes.map((inbox) => ({
      inbox,
      payload: new Uint8Array(200_000).fill(inbox.length),
      messageId: identityOf(inbox).subarray(0, 16),
      expiresAtMs: startMs + 1_000,
    }));
    await assert.rejects(small.log.appendAll(entries), hasCode("E035_STORE_FULL"));
    for (const inbox of inboxes) assert.deepEqual(seqsOf(await small.log.read({ ...query, inbox })), []);
    await small.close();
    const large = await place.open({ fileBytesMax: 10_000_000 });
    assert.deepEqual(seqsOf(await large.log.read(query)), seqsUpTo(acknowledged));
    // Sent again with the same message ids, as the port asks for: they were not remembered.
    const stored = { kind: "stored", seq: 1n };
    assert.deepEqual(await large.log.appendAll(entries), [stored, stored]);
  });

  test("a file that is too small for the tables is refused at open", async () => {
    await using place = await makeSqlitePlace();
    const tiny = place.open({ fileBytesMax: 20_000 });
    await assert.rejects(tiny, hasCode("E035_STORE_FULL"));
    await place.open();
  });

  test("when the writing thread dies every call in flight and every later one is rejected with E020", async () => {
    await using place = await makeSqlitePlace();
    const lost = Promise.withResolvers<void>();
    const { store, writer } = await openWithThreads(place, lost.resolve);
    await appendTo(store);
    const inFlight = Array.from({ length: 100 }, () => appendTo(store));
    const terminated = writer.terminate();
    const results = await Promise.allSettled(inFlight);
    for (const result of results) {
      if (result.status === "rejected") assert.ok(hasCode("E020_STORE_UNAVAILABLE")(result.reason));
    }
    assert.ok(results.some(({ status }) => status === "rejected"));
    await terminated;
    await lost.promise;
    await assert.rejects(appendTo(store), hasCode("E020_STORE_UNAVAILABLE"));
    await assert.rejects(store.health(), hasCode("E020_STORE_UNAVAILABLE"));
    await store.close();
    // What was acknowledged is in the file, and the dead thread's lock is not in the way.
    const next = await place.open();
    const acknowledged = 1 + results.filter(({ status }) => status === "fulfilled").length;
    assert.ok(seqsOf(await next.log.read(query)).length >= acknowledged);
  });

  test("when the reading thread dies reads are rejected with E020, appends go on, and health tells", async () => {
    await using place = await makeSqlitePlace();
    const { store, reader } = await openWithThreads(place);
    await reader.terminate();
    await assert.rejects(store.log.read(query), hasCode("E020_STORE_UNAVAILABLE"));
    assert.deepEqual(await appendTo(store), { kind: "stored", seq: 1n });
    await assert.rejects(store.health(), hasCode("E020_STORE_UNAVAILABLE"));
  });
});
