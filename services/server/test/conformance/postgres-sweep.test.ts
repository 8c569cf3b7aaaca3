/** The sweep of the database where there is always more of one kind than it may touch at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgresStore } from "../../src/store/index.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { defaultLimits, inboxOf, startMs } from "./subject.ts";

const dayMs = 86_400_000;

test("a backlog of expired messages keeps old message ids from being forgotten no more than these keep it", async () => {
  const database = await (await sharedPostgres()).createDatabase();
  let nowMs = startMs;
  const limits = { ...defaultLimits, dedupeWindowMs: dayMs };
  const store = await openPostgresStore({ url: database.url, limits, clock: () => nowMs });
  await using _ = { [Symbol.asyncDispose]: () => store.close() };
  const payload = Buffer.from("x");
  const count = async (table: string): Promise<number> => {
    const [row] = await database.query(`SELECT count(*) FROM ${table}`);
    return Number(row?.["count"]);
  };
  for (let n = 0; n < 100; n++) {
    const messageId = Buffer.alloc(16, n);
    await store.log.append({ inbox: inboxOf("alice"), payload, messageId, expiresAtMs: startMs + dayMs });
  }
  nowMs += 2 * dayMs;
  assert.equal(await store.log.sweep(40), 40);
  const [messages, ids] = [await count("message"), await count("dedupe")];
  assert.ok(messages < 100 && ids < 100, `${messages} messages and ${ids} ids are left of 100`);
  assert.equal(100 - messages + (100 - ids), 40);
  while ((await store.log.sweep(40)) === 40);
  assert.deepEqual([await count("message"), await count("dedupe")], [0, 0]);
});
