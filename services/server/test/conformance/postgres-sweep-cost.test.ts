/** What a sweep, and an acknowledgement, cost the database: by how much goes, not by how much stands or has gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatabaseUrl } from "../../src/store/postgres/address.ts";
import { Connector, type Session, type Statement, type Value } from "../../src/store/postgres/connector.ts";
import { Sweep } from "../../src/store/postgres/sweep.ts";
import { openPostgresStore } from "../../src/store/index.ts";
import { sharedPostgres, type TestDatabase } from "../../testing/postgres.ts";
import { defaultLimits, inboxOf, startMs } from "./subject.ts";

const dayMs = 86_400_000;

test("a sweep of large tables reads hardly more rows than it removes", async () => {
  await using rig = await Rig.open();
  for (const [table, columns, values] of tables) {
    // 1 of 100 is over its life
    await rig.database.query(
      `INSERT INTO ${table} (${columns}) SELECT ${values} FROM (
         SELECT n, CASE WHEN n % 100 = 0 THEN $1::bigint - n ELSE $2::bigint + n END AS at
         FROM generate_series(1, 20000) n
       ) rows`,
      [startMs - dayMs, startMs],
    );
  }
  // so that the planner knows how large they are
  await rig.database.query("ANALYZE");
  const before = await rig.rowsRead();
  const removed = await rig.sweep(100_000);
  assert.equal(removed, 200 * tables.length);
  const read = (await rig.rowsRead()) - before;
  // each once to remove it, and once to see that it has gone
  assert.ok(read <= 2.2 * removed, `${read} rows were read and ${removed} removed`);
});

test("ids that went, and wait for the vacuum, are not passed over again", async () => {
  await using rig = await Rig.open();
  for (let n = 0; n < 8; n++) await rig.database.query(`ALTER TABLE dedupe_${n} SET (autovacuum_enabled = off)`);
  await rig.fillIds(100_000);
  const pagesOf10 = async () => {
    const before = await rig.pagesRead();
    for (let n = 0; n < 10; n++) assert.equal(await rig.sweep(2_000), 2_000);
    return (await rig.pagesRead()) - before;
  };
  const first = await pagesOf10();
  for (let n = 0; n < 30; n++) assert.equal(await rig.sweep(2_000), 2_000);
  const last = await pagesOf10();
  assert.ok(
    last < 1.5 * first,
    `10 sweeps read ${first} pages of indexes, and ${last} when 80,000 ids had gone before`,
  );
});

test("an id that comes to stand behind where the sweep had got to is found within 10 minutes", async () => {
  await using rig = await Rig.open();
  await rig.fillIds(100);
  assert.equal(await rig.sweep(2_000), 100);
  await rig.fillIds(1);
  assert.equal(await rig.sweep(2_000), 0);
  assert.equal(await rig.sweep(2_000, startMs + 600_000), 1);
  await rig.fillIds(1);
  // and at once when the clock is set back
  assert.equal(await rig.sweep(2_000, startMs), 1);
});

test("a backlog of old ids goes with two statements for 2,000, beside those that are appended", async () => {
  await using rig = await Rig.open();
  await rig.fillIds(20_000);
  const limits = { ...defaultLimits, dedupeWindowMs: dayMs };
  const store = await openPostgresStore({ url: rig.database.url, limits, clock: () => startMs });
  let isOver = false;
  let appended = 0;
  const append = async () => {
    do {
      const payload = Buffer.from("x");
      await store.log.append({ inbox: inboxOf("alice"), payload, messageId: undefined, expiresAtMs: startMs + dayMs });
      appended++;
    } while (!isOver);
  };
  const appending = append();
  let removed = 0;
  while (removed < 20_000) removed += await rig.sweep(2_000);
  isOver = true;
  await appending;
  await store.close();
  assert.equal(removed, 20_000);
  assert.equal(rig.statements, 20);
  assert.equal(await rig.sweep(2_000), 0);
  assert.equal(rig.statements, 21);
  assert.deepEqual(await rig.database.query("SELECT count(*) FROM dedupe"), [{ count: String(appended) }]);
});

test("an acknowledgement does not pass over what has gone from the inbox and waits for the vacuum", async () => {
  await using rig = await Rig.open();
  for (let n = 0; n < 8; n++) await rig.database.query(`ALTER TABLE message_${n} SET (autovacuum_enabled = off)`);
  await rig.fillInbox(40_000);
  const pagesOf10 = async (from: number) => {
    const before = await rig.pagesRead();
    for (let n = 1; n <= 10; n++) await rig.acknowledge(from + 10 * n);
    return (await rig.pagesRead()) - before;
  };
  const first = await pagesOf10(0);
  await rig.acknowledge(39_000);
  const last = await pagesOf10(39_000);
  assert.ok(
    last < 1.5 * first,
    `10 acks read ${first} pages of indexes, and ${last} when 39,000 messages had gone before`,
  );
  assert.deepEqual(await rig.database.query("SELECT min(seq) FROM message"), [{ min: "39101" }]);
});

/** Table, columns, and values of `n` and `at`. */
const tables = [
  ["dedupe", "inbox_key, message_id, seq, enqueued_at", "sha256((n % 50)::text::bytea), gen_random_uuid(), n, at"],
  ["group_commit", "group_id, message_id, seqs, committed_at", "sha256(n::text::bytea), gen_random_uuid(), '{}', at"],
  ["mls_group", "group_id, next_epoch, proof_hash, used_at", "sha256(n::text::bytea), 1, '', at"],
  [
    "key_package",
    "identity, last_resort, sha256, expires_at",
    "sha256((n % 50)::text::bytea), false, sha256(n::text::bytea), at",
  ],
  ["token", "hash, identity, acts_for, created_at, expires_at", "sha256(n::text::bytea), '', '', 0, at"],
  ["endpoint", "identity, endpoint, expires_at", "sha256(n::text::bytea), '', at"],
] as const;

/** A database, and a session of it that sweeps and counts. */
class Rig implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly #session: Session;
  readonly #sweep = new Sweep();
  statements = 0;

  private constructor(database: TestDatabase, session: Session) {
    this.database = database;
    this.#session = session;
  }

  static async open(): Promise<Rig> {
    const database = await (await sharedPostgres()).createDatabase();
    const address = parseDatabaseUrl(database.url);
    return new Rig(database, await new Connector({ address, connectMsMax: 30_000 }).connect());
  }

  /** Over their life. */
  async fillIds(count: number): Promise<void> {
    await this.database.query(
      `INSERT INTO dedupe (inbox_key, message_id, seq, enqueued_at)
       SELECT sha256((n % 50)::text::bytea), gen_random_uuid(), n, $1::bigint - n FROM generate_series(1, $2::int) n`,
      [startMs - dayMs, count],
    );
  }

  /** One inbox, nothing of it acknowledged. */
  async fillInbox(count: number): Promise<void> {
    await this.database.query("INSERT INTO inbox (key, last) VALUES (sha256('inbox'), $1)", [count]);
    await this.database.query(
      `INSERT INTO message (inbox_key, seq, enqueued_at, expires_at, payload)
       SELECT sha256('inbox'), n, $1::bigint, $1::bigint + 1000, 'x' FROM generate_series(1, $2::int) n`,
      [startMs, count],
    );
  }

  async acknowledge(upTo: number): Promise<void> {
    await this.#session.run(`SELECT acknowledge(ARRAY[sha256('inbox')], ARRAY[${upTo}::bigint], ARRAY[0::bigint])`);
  }

  async sweep(rowsMax: number, nowMs = startMs): Promise<number> {
    const query = (statement: Statement, values: readonly Value[]) => {
      this.statements++;
      return this.#session.query(statement, values);
    };
    return await this.#sweep.sweep({ query }, rowsMax, { nowMs, dedupeWindowMs: dayMs, groupLifeMs: dayMs });
  }

  /** By this session: entries of indexes, and rows of tables that were read without one. */
  async rowsRead(): Promise<number> {
    return await this.#count(`
      (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)`);
  }

  /** Of indexes. */
  async pagesRead(): Promise<number> {
    return await this.#count("(SELECT sum(idx_blks_hit + idx_blks_read) FROM pg_statio_user_indexes)");
  }

  async #count(sum: string): Promise<number> {
    await this.#session.run("SELECT pg_stat_force_next_flush()");
    const [[value] = []] = await this.#session.run(`SELECT ${sum}`);
    return Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.end();
  }
}
