/** The database's tables: migrated once by whoever, with data in them, and refused when they don't fit. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { migratePostgres, openPostgresStore, type PostgresStore, raiseStoreEpoch } from "../../src/store/index.ts";
import { sharedPostgres, type TestDatabase } from "../../testing/postgres.ts";
import { hasCode } from "./codes.ts";
import { defaultLimits, identityOf, inboxOf, startMs } from "./subject.ts";

const clock = () => startMs;
const newest = 10;

async function open({ url }: TestDatabase): Promise<PostgresStore> {
  return await openPostgresStore({ url, limits: defaultLimits, clock });
}

async function emptyDatabase(): Promise<TestDatabase> {
  return await (await sharedPostgres()).createEmptyDatabase();
}

describe("schema of Postgres", () => {
  test("a database that was never migrated is refused, and the error names the command", async () => {
    const database = await emptyDatabase();
    await assert.rejects(open(database), (error) => {
      assert.ok(error instanceof QpqError && error.code === "E037_STORE_SCHEMA");
      return error.message.includes("qpq-server migrate");
    });
    await assert.rejects(raiseStoreEpoch({ url: database.url, clock }), hasCode("E037_STORE_SCHEMA"));
  });

  test("a database of the version before is refused, and migrated with all that is in it", async () => {
    const database = await emptyDatabase();
    const { url } = database;
    assert.deepEqual(await migratePostgres({ url, clock, upTo: newest - 1 }), { from: 0, to: newest - 1 });
    const key = Buffer.from(inboxOf("alice"), "latin1");
    const store = "INSERT INTO inbox (key, last) VALUES ($1, 1)";
    await database.query(store, [key]);
    await database.query(
      "INSERT INTO message (inbox_key, seq, enqueued_at, expires_at, payload) VALUES ($1, 1, 0, $2, 'kept')",
      [key, startMs + 1_000],
    );
    await assert.rejects(open(database), hasCode("E037_STORE_SCHEMA"));
    assert.deepEqual(await migratePostgres({ url, clock: () => startMs + 9 }), { from: newest - 1, to: newest });
    const migrated = await open(database);
    const query = { inbox: inboxOf("alice"), after: 0n, storeEpoch: 0n, limit: 10, bytesMax: 100 };
    const { messages, storeEpoch } = await migrated.log.read(query);
    assert.equal(Buffer.from(messages[0]?.payload ?? []).toString(), "kept");
    // that of the database's making, not of the last migration
    assert.equal(storeEpoch, BigInt(startMs));
    assert.equal(await migrated.keys.takeKeyPackage(identityOf("alice")), undefined);
    await migrated.close();
  });

  test("of migrators at once one does the work, and a migrated database is left alone", async () => {
    const { url } = await emptyDatabase();
    const migrated = await Promise.all(Array.from({ length: 4 }, () => migratePostgres({ url, clock })));
    const done = migrated.map(({ from }) => from).sort();
    assert.deepEqual(done, [0, newest, newest, newest]);
    assert.deepEqual(await migratePostgres({ url, clock }), { from: newest, to: newest });
  });

  test("a migration that fails leaves nothing of itself, and can be done again", async () => {
    const database = await emptyDatabase();
    const { url } = database;
    await migratePostgres({ url, clock, upTo: 1 });
    await database.query("CREATE TABLE group_commit (in_the_way int)");
    await assert.rejects(migratePostgres({ url, clock }), /group_commit/);
    assert.deepEqual(await database.query("SELECT to_regclass('mls_group') AS made"), [{ made: null }]);
    await database.query("DROP TABLE group_commit");
    assert.deepEqual(await migratePostgres({ url, clock }), { from: 1, to: newest });
  });

  test("a newer database is used as long as it says that this version may", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const set = (name: string, value: number) =>
      database.query("UPDATE meta SET value = $2 WHERE name = $1", [name, value]);
    await set("schema_version", newest + 2);
    const store = await open(database);
    await store.health();
    await store.close();
    assert.deepEqual(await migratePostgres({ url: database.url, clock }), { from: newest + 2, to: newest + 2 });
    await set("schema_oldest", newest + 1);
    await assert.rejects(open(database), hasCode("E037_STORE_SCHEMA"));
  });

  test("another program's database with a table of that name is not touched", async () => {
    const database = await emptyDatabase();
    await database.query("CREATE TABLE meta (name text PRIMARY KEY, value bigint)");
    await assert.rejects(migratePostgres({ url: database.url, clock }), hasCode("E037_STORE_SCHEMA"));
    assert.deepEqual(await database.query("SELECT * FROM meta"), []);
  });
});
