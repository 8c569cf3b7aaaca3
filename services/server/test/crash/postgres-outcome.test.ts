/**
 * Statements whose outcome nobody knows: committed, and the answer lost. They are found out, never stored twice and never
 * given up as lost.
 *
 * With the name of a standby that does not exist every commit is carried out and then waits; what ends the wait decides
 * what the client hears.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgresStore, type PostgresStore } from "../../src/store/index.ts";
import type { Append } from "../../src/store/port.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { type TestDatabase, TestPostgres } from "../../testing/postgres.ts";
import { faultsOf, Ledger, noFaults, payloadHashOf } from "./ledger.ts";
import { inboxCount, inboxNumber, messageNumber } from "./messages.ts";
import { Senders } from "./postgres-senders.ts";
import { limits } from "./trial-limits.ts";

type Trial = AsyncDisposable & {
  readonly database: TestDatabase;
  readonly store: PostgresStore;
  /** From now on commits wait, or no longer. */
  holdCommits(hold: boolean): Promise<void>;
};

async function startTrial(): Promise<Trial> {
  const postgres = await TestPostgres.start();
  const database = await postgres.createDatabase();
  const store = await openPostgresStore({ url: database.url, limits, clock: Date.now });
  return {
    database,
    store,
    async holdCommits(hold) {
      // by the checkpointer, which lets those go that wait
      await database.query(`ALTER SYSTEM SET synchronous_standby_names = '${hold ? "nobody" : ""}'`);
      await database.query("SELECT pg_reload_conf()");
      await until(async () => (await settingOf(database)) === (hold ? "nobody" : ""));
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await postgres[Symbol.asyncDispose]();
    },
  };
}

async function settingOf(database: TestDatabase): Promise<unknown> {
  const [row] = await database.query("SELECT current_setting('synchronous_standby_names') AS value");
  return row?.["value"];
}

/** Asks the database again and again: what it waits for has no event. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue()));
}

/** Applies a server function to every backend whose commit waits; answers how many there were. */
async function toWaiting(
  database: TestDatabase,
  action: "pg_terminate_backend" | "pg_cancel_backend",
): Promise<number> {
  const rows = await database.query(
    `SELECT ${action}(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = $1`,
    [database.name],
  );
  return rows.length;
}

function message(number: number, hasId: boolean): Append {
  const { messageId, ...entry } = messageNumber(number);
  return { ...entry, messageId: hasId ? messageId : undefined };
}

async function drain(store: PostgresStore, ledger: Ledger): Promise<number> {
  let count = 0;
  for (let i = 0; i < inboxCount; i++) {
    const inbox = inboxNumber(i);
    const query = { inbox, after: 0n, storeEpoch: 0n, limit: 1_000_000, bytesMax: 2 ** 30 };
    const { messages } = await store.log.read(query);
    for (const { seq, payload } of messages) ledger.receive({ inbox, seq, payloadHash: payloadHashOf(payload) });
    count += messages.length;
  }
  return count;
}

for (const action of ["pg_terminate_backend", "pg_cancel_backend"] as const) {
  for (const hasId of [true, false]) {
    test(`a commit whose answer ${action} took away is stored once, ${hasId ? "with" : "without"} a message id`, async () => {
      await using trial = await startTrial();
      const { database, store } = trial;
      await trial.holdCommits(true);
      const batches = 3 * inboxCount;
      const appends = Array.from({ length: batches }, (_, i) => store.log.append(message(i, hasId)));
      const commit = store.log.commitGroup({
        groupId: new Uint8Array(16).fill(1),
        epoch: 0n,
        proofHash: new Uint8Array(32),
        nextProofHash: new Uint8Array(32),
        messageId: new Uint8Array(16).fill(2),
        entries: [message(1_000, false)],
      });
      await until(async () => (await toWaiting(database, action)) > 0);
      await trial.holdCommits(false);
      const answers = await Promise.all(appends);
      assert.deepEqual(
        answers.map(({ kind }) => kind),
        new Array(batches).fill("stored"),
      );
      assert.equal((await commit).kind, "accepted");
      assert.ok(store.stats().appendsAfterLoss > 0);
      const ledger = new Ledger();
      for (const [i, answer] of answers.entries()) {
        const { inbox, payload } = messageNumber(i);
        ledger.acknowledge({ inbox, seq: (answer as { seq: bigint }).seq, payloadHash: payloadHashOf(payload) });
      }
      assert.equal(await drain(store, ledger), batches + 1);
      assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
    });
  }
}

test("with backends ended at random under load nothing acknowledged is lost, doubled or reordered", async (t) => {
  t.diagnostic(`SEED=${seed}`);
  const random = randomOf(seed);
  await using trial = await startTrial();
  const { database, store } = trial;
  const ledger = new Ledger();
  const load = new Senders({
    count: 128,
    ledger,
    logOf: () => store.log,
    messageOf: (number) => message(number, number % 2 === 0),
  });
  for (let ended = 0; ended < 40 || store.stats().appendsAfterLoss < 10; ended++) {
    await load.acknowledgedMore(1 + Math.floor(random() * 200));
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND application_name = 'qpq-server' AND state = 'active' LIMIT 1`,
      [database.name],
    );
  }
  await load.end();
  assert.equal(await drain(store, ledger), load.acknowledged);
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults, `SEED=${seed}`);
});
