/** Who is observed does not notice it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { StoreCallObservation } from "../../src/observe/observer.ts";
import { harmless, noMetrics } from "../../src/observe/prometheus.ts";
import { observeStore } from "../../src/observed-store.ts";
import { createMemoryStore } from "../../src/store/index.ts";

const limits = { queueDepthMax: 2, dedupeWindowMs: 1_000, groupLifeMs: 1_000, appendsInFlightMax: 100 };
const inbox = randomBytes(32).toString("latin1") as InboxKey;
const entry = { inbox, payload: Buffer.from("x"), messageId: undefined, expiresAtMs: Date.now() + 60_000 };

test("an observer that throws breaks nothing: what is observed goes on, and the log is told once", async () => {
  const broken = (): never => {
    throw new Error("broken");
  };
  const told: unknown[] = [];
  const observer = harmless(
    { ...noMetrics, storeCallEnded: broken, callEnded: broken },
    { error: (line) => told.push(line) },
  );
  const { store } = observeStore(createMemoryStore({ limits, clock: Date.now }), observer, undefined);
  for (const seq of [1n, 2n]) {
    const appended = await store.log.append(entry);
    assert.deepEqual([appended.kind, "seq" in appended && appended.seq], ["stored", seq]);
  }
  observer.callEnded({ method: "m", code: "ok", seconds: 0, requestBytes: 0 });
  assert.equal(told.length, 1);
  await store.close();
});

test("the log answers and refuses as it does unobserved; each call is told of once, with its code", async () => {
  const seen: StoreCallObservation[] = [];
  const { store, queueDepth } = observeStore(
    createMemoryStore({ limits, clock: Date.now }),
    { storeCallEnded: (observation) => seen.push(observation) },
    undefined,
  );
  const appending = store.log.append(entry);
  assert.equal(queueDepth(), 1);
  await appending;
  assert.equal(queueDepth(), 0);
  assert.equal((await store.log.appendAll([entry, entry]))[1]?.kind, "full");
  const query = { inbox, after: 0n, storeEpoch: 0n, limit: 10, bytesMax: 1_000 };
  assert.equal((await store.log.read(query)).messages.length, 2);
  assert.equal(await store.log.ack(inbox, 2n, 0n), true);
  await store.close();
  await assert.rejects(
    store.log.read(query),
    (error) => error instanceof QpqError && error.code === "E020_STORE_UNAVAILABLE",
  );
  await assert.rejects(store.log.append(entry));
  assert.equal(queueDepth(), 0);
  assert.deepEqual(
    seen.map(({ operation, code }) => `${operation} ${code ?? "ok"}`),
    ["append ok", "appendAll ok", "read ok", "ack ok", "read E020_STORE_UNAVAILABLE", "append E020_STORE_UNAVAILABLE"],
  );
});
