/** A database that is not there, goes away, comes back, hangs, is full or belongs to another host by now. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { Client } from "pg";
import { openPostgresStore, type PostgresStore, type PostgresStoreOptions } from "../../src/store/index.ts";
import type { Append, ReadAnswer } from "../../src/store/port.ts";
import { PostgresCluster, sharedPostgres, TestDatabase, TestPostgres } from "../../testing/postgres.ts";
import { FaultyRelay } from "../../testing/faulty-relay.ts";
import { insist } from "../crash/postgres-senders.ts";
import { hasCode } from "./codes.ts";
import { defaultLimits, identityOf, inboxOf, startMs, textsOf } from "./subject.ts";

const alice = inboxOf("alice");
const isUnavailable = hasCode("E020_STORE_UNAVAILABLE");

type OwnedStore = PostgresStore & AsyncDisposable;

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<OwnedStore> {
  const store = await openPostgresStore({ url, limits: defaultLimits, clock: () => startMs, ...options });
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}

function message(text: string): Append {
  const payload = new TextEncoder().encode(text);
  return { inbox: alice, payload, messageId: undefined, expiresAtMs: startMs + 60_000 };
}

function read(store: PostgresStore): Promise<ReadAnswer> {
  return store.log.read({ inbox: alice, after: 0n, storeEpoch: 0n, limit: 1_000, bytesMax: 2 ** 20 });
}

async function clientOf({ cluster, name }: TestDatabase): Promise<Client> {
  const client = new Client({ host: cluster.folder, port: cluster.port, user: "qpq", database: name });
  await client.connect();
  return client;
}

describe("a Postgres that is lost", () => {
  test("without a database the store opens, rejects after a bounded wait and then at once, and works once it is there", async () => {
    await using postgres = await TestPostgres.start();
    const { url } = await postgres.createDatabase();
    await postgres.cluster.stop("fast");
    await using store = await open(url, { unavailableMsMax: 300 });
    const calls = () => [
      store.log.append(message("x")),
      read(store),
      store.log.ack(alice, 1n, 0n),
      store.log.sweep(1),
      store.keys.takeKeyPackage(identityOf("alice")),
      store.readHeads([{ inbox: alice, after: 0n, storeEpoch: 0n }]),
      store.health(),
    ];
    for (const { status, ...result } of await Promise.allSettled(calls())) {
      assert.equal(status, "rejected");
      assert.ok(isUnavailable((result as PromiseRejectedResult).reason));
    }
    // at once: before anything that has been waited for can happen
    const refused = store.log.append(message("x")).then(
      () => "stored",
      () => "refused",
    );
    const turns = (async () => {
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
      return "later";
    })();
    assert.equal(await Promise.race([refused, turns]), "refused");
    await postgres.cluster.startAgain();
    assert.deepEqual(await insist(() => store.log.append(message("at last"))), { kind: "stored", seq: 1n });
  });

  test("calls made while the database starts again are answered when it is back", async () => {
    await using postgres = await TestPostgres.start();
    await using store = await open((await postgres.createDatabase()).url, { unavailableMsMax: 60_000 });
    await store.log.append(message("before"));
    await postgres.cluster.stop("immediate");
    const appended = store.log.append(message("meanwhile"));
    const answer = read(store);
    await postgres.cluster.startAgain();
    assert.deepEqual(await appended, { kind: "stored", seq: 2n });
    assert.equal(textsOf(await answer)[0], "before");
  });

  test("a store whose database is away closes, and rejects what it could not do", async () => {
    await using postgres = await TestPostgres.start();
    await using store = await open((await postgres.createDatabase()).url, { unavailableMsMax: 100 });
    await postgres.cluster.stop("fast");
    const appended = store.log.append(message("x"));
    appended.catch(() => undefined);
    await store.close();
    await assert.rejects(appended, isUnavailable);
  });

  test("of several hosts the one that takes writes is found, at the start and after a failover that loses nothing", async () => {
    await using primary = await TestPostgres.start({ settings: { synchronous_standby_names: "ANY 1 (*)" } });
    await using standby = await PostgresCluster.standbyOf(primary.cluster, "second", {
      // else what it commits would wait for a standby of its own
      synchronous_standby_names: "",
    });
    const { url, name } = await primary.createDatabase();
    const both = url.replace("127.0.0.1:", `127.0.0.1:${standby.port},127.0.0.1:`);
    await using store = await open(both, { unavailableMsMax: 60_000 });
    const before = Array.from({ length: 200 }, (_, i) => `${i}`);
    await Promise.all(before.map((text) => store.log.append(message(text))));
    await primary.cluster.stop("kill");
    const meanwhile = store.log.append(message("after"));
    await standby.promote();
    assert.deepEqual(await meanwhile, { kind: "stored", seq: 201n });
    assert.deepEqual(textsOf(await read(store)), [...before, "after"]);
    await using later = await open(standby.url(name));
    assert.equal((await read(later)).messages.length, 201);
  });

  test("a host that takes no writes is not settled with: the store goes on looking until one does", async () => {
    await using postgres = await TestPostgres.start();
    const database = await postgres.createDatabase();
    await using store = await open(database.url, { unavailableMsMax: 60_000 });
    await store.log.append(message("1"));
    const admin = new TestDatabase(database.cluster, "postgres");
    await admin.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'qpq-server'");
    const waiting = store.log.append(message("2"));
    await admin.query(`ALTER DATABASE ${database.name} RESET default_transaction_read_only`);
    assert.deepEqual(await waiting, { kind: "stored", seq: 2n });
  });

  test("an answer that the network swallowed is asked after, and its connection given up; the message is there once", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await using network = await FaultyRelay.start(database.cluster.port);
    const url = database.url.replace(/:\d+\//, `:${network.port}/`);
    await using store = await open(url, { stallMs: 200 });
    await store.log.append(message("1"));
    network.swallowAnswers();
    assert.deepEqual(await store.log.append(message("2")), { kind: "stored", seq: 2n });
    assert.deepEqual(textsOf(await read(store)), ["1", "2"]);
    assert.ok(store.stats().connectionsLost > 0);
  });

  test("a commit that the server is still at is waited for, however long: its connection is not given up", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await using store = await open(database.url, { stallMs: 20 });
    await store.log.append(message("1"));
    const holder = await clientOf(database);
    await holder.query("BEGIN; SELECT * FROM inbox FOR UPDATE");
    const appended = store.log.append(message("2"));
    // each look at it is a session of its own
    const watcher = await clientOf(database);
    const sessions = async () => {
      const { rows } = await watcher.query("SELECT sessions FROM pg_stat_database WHERE datname = $1", [database.name]);
      return Number(rows[0].sessions);
    };
    const before = await sessions();
    while ((await sessions()) < before + 5);
    assert.equal(store.stats().connectionsLost, 0);
    await holder.query("COMMIT");
    assert.deepEqual(await appended, { kind: "stored", seq: 2n });
    assert.equal(store.stats().connectionsLost, 0);
    for (const client of [holder, watcher]) await client.end();
  });

  test("a full disk is told as E035, without the rows the server quotes, and stores nothing of the batch", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await using store = await open(database.url);
    await database.query(`
      CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full', DETAIL = 'a row'; END $$;
      CREATE TRIGGER is_full BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION is_full()`);
    await assert.rejects(store.log.append(message("x")), (error) => {
      assert.ok(inspect(error).includes("could not extend file") && !inspect(error).includes("a row"));
      return hasCode("E035_STORE_FULL")(error);
    });
    await database.query("DROP TRIGGER is_full ON message");
    assert.deepEqual(await store.log.append(message("x")), { kind: "stored", seq: 1n });
  });

  test("tables that are gone are told as E037, not as a lost database", async () => {
    const database = await (await sharedPostgres()).createDatabase();
    await using store = await open(database.url);
    await database.query("ALTER TABLE hybrid_key RENAME TO elsewhere");
    await assert.rejects(store.keys.getHybridKeys([identityOf("alice")]), hasCode("E037_STORE_SCHEMA"));
  });
});
