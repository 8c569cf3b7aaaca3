/** `qpq-server migrate` and `qpq-server promote`, and what a start says of a database that it cannot use. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { PostgresCluster, sharedPostgres, TestDatabase, TestPostgres } from "../../testing/postgres.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { linesOf, page, until } from "../workers/rig.ts";
import { runCommand } from "./run-command.ts";

const recipientKey = new Uint8Array(32).fill(1);
const onCluster = (databaseUrl: string) => ({ QPQ_STORE: "cluster", QPQ_DATABASE_URL: databaseUrl });

describe("qpq-server migrate", () => {
  test("a start on an empty database names it as the next command; then the server starts, and migrate has nothing to do", async () => {
    const { url: databaseUrl } = await (await sharedPostgres()).createEmptyDatabase();
    const env = onCluster(databaseUrl);
    await assert.rejects(startServerProcess({ cluster: { databaseUrl } }), /E037_STORE_SCHEMA.*qpq-server migrate/);
    const first = await runCommand(["migrate"], env);
    assert.match(first.words, /^migrations {4}tables brought from 0 to \d+$/m, first.errors);
    assert.equal(first.code, 0);
    const second = await runCommand(["migrate"], env);
    assert.match(second.words, /^migrations {4}nothing to do, the tables are at \d+$/m);
    assert.equal(second.code, 0);
    await using server = await startServerProcess({ cluster: { databaseUrl } });
    assert.match(server.words, /^store {9}Postgres qpq@127\.0\.0\.1:\d+\/test_\d+, no Redis$/m);
  });

  test("workers on a database without tables are not restarted for ever: the start is refused", async () => {
    const { url: databaseUrl } = await (await sharedPostgres()).createEmptyDatabase();
    const starting = startServerProcess({ cluster: { databaseUrl }, settings: { workers: 2 } });
    await assert.rejects(starting, /E037_STORE_SCHEMA.*qpq-server migrate/);
  });

  test("of several at once each ends well, and the tables are made once", async () => {
    const { url } = await (await sharedPostgres()).createEmptyDatabase();
    const ended = await Promise.all([1, 2, 3].map(() => runCommand(["migrate"], onCluster(url))));
    assert.deepEqual(
      ended.map(({ code }) => code),
      [0, 0, 0],
    );
    assert.equal(ended.filter(({ words }) => words.includes("brought from 0")).length, 1);
  });

  test("without a cluster, or without its database, it ends with the code and says why", async () => {
    const embedded = await runCommand(["migrate"]);
    assert.match(embedded.errors, /E046_CONFIG.*QPQ_STORE=cluster.*QPQ_DATABASE_URL/);
    const absent = await runCommand(["migrate"], onCluster("postgres://qpq@127.0.0.1:1/mail"));
    assert.match(absent.errors, /E020_STORE_UNAVAILABLE.*ECONNREFUSED/);
    const unknown = await runCommand(["migrait"]);
    assert.match(unknown.errors, /E048_USAGE/);
    assert.deepEqual([embedded.code, absent.code, unknown.code], [1, 1, 2]);
  });
});

describe("qpq-server promote", () => {
  test("a reader of before is told epochReset by the running server, its acks remove nothing, and nothing is lost", async () => {
    const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
    await using server = await startServerProcess({ cluster: { databaseUrl } });
    using client = await RawClient.connect(server);
    for (const text of ["1", "2"]) await client.call("enqueue", { recipientKey, payload: Buffer.from(text) });
    const before = await client.call("fetch", { recipientKey, keep: true });
    const promoted = await runCommand(["promote"], onCluster(databaseUrl));
    assert.equal(promoted.code, 0, promoted.errors);
    const [, from, to] = /^store epoch {3}(\d+) before, (\d+) now$/m.exec(promoted.words) ?? [];
    assert.equal(BigInt(from as string), before.gap.storeEpoch);
    assert.ok(BigInt(to as string) > before.gap.storeEpoch);
    // the cursor of before acknowledges: it must not
    const cursor = { recipientKey, keep: true, after: 2n, storeEpoch: before.gap.storeEpoch };
    const after = await client.call("fetch", cursor);
    assert.equal(after.gap.kind, "epochReset");
    assert.equal(after.gap.storeEpoch, BigInt(to as string));
    assert.deepEqual(
      after.payloads.map(({ data }) => Buffer.from(data).toString()),
      ["1", "2"],
    );
  });

  test("after a failover that lost acknowledged messages, no cursor of before jumps over what has got their numbers since", async () => {
    await using primary = await TestPostgres.start();
    const { url: databaseUrl, name } = await primary.createDatabase();
    await using standby = await PostgresCluster.standbyOf(primary.cluster, "asynchronous");
    const send = (client: RawClient, text: string) =>
      client.call("enqueue", { recipientKey, payload: Buffer.from(text) });
    let epoch: bigint;
    {
      await using server = await startServerProcess({ cluster: { databaseUrl } });
      using client = await RawClient.connect(server);
      await send(client, "1");
      await caughtUp(primary, standby);
      await standby.stop("fast");
      for (const text of ["lost", "lost too"]) await send(client, text);
      const { gap, payloads } = await client.call("peek", { recipientKey });
      assert.equal(payloads.length, 3);
      epoch = gap.storeEpoch;
    }
    await primary.cluster.stop("kill");
    await standby.startAgain();
    await standby.promote();
    const promoted = await runCommand(["promote"], onCluster(standby.url(name)));
    assert.equal(promoted.code, 0, promoted.errors);
    await using server = await startServerProcess({ cluster: { databaseUrl: standby.url(name) } });
    using client = await RawClient.connect(server);
    assert.deepEqual(await send(client, "new"), { seq: 2n });
    // as the reader's client does: it has 1, "lost" and "lost too", and says so
    const { gap, payloads } = await client.call("fetch", { recipientKey, keep: true, after: 3n, storeEpoch: epoch });
    assert.equal(gap.kind, "epochReset");
    assert.deepEqual(
      payloads.map(({ data }) => Buffer.from(data).toString()),
      ["1", "new"],
    );
  });

  test("without a cluster it is refused", async () => {
    const { code, errors } = await runCommand(["promote"]);
    assert.equal(code, 1);
    assert.match(errors, /E046_CONFIG.*QPQ_STORE=cluster/);
  });
});

describe("a start with a database that will never do", () => {
  test("a database that is not there is refused by name, one that wants a password is too, and no secret is told", async () => {
    await using postgres = await TestPostgres.start({ access: ["host all with_password all scram-sha-256"] });
    const database = await postgres.createDatabase();
    await database.query("CREATE USER with_password PASSWORD 'right-canary'");
    await database.query("GRANT SELECT ON meta TO with_password");
    const { url } = database;
    await assert.rejects(
      startServerProcess({ cluster: { databaseUrl: postgres.cluster.url("nowhere") } }),
      /E046_CONFIG.*3D000.*nowhere/,
    );
    const cluster = { databaseUrl: url.replace("qpq@", "with_password@") };
    await assert.rejects(startServerProcess({ cluster }), /E046_CONFIG.*28P01.*QPQ_DATABASE_PASSWORD/);
    const wrong = startServerProcess({ cluster, env: { QPQ_DATABASE_PASSWORD: "wrong-canary" } });
    await assert.rejects(wrong, (error: Error) => /28P01/.test(error.message) && !error.message.includes("canary"));
    await using server = await startServerProcess({ cluster, env: { QPQ_DATABASE_PASSWORD: "right-canary" } });
    assert.ok(!(server.words + server.log()).includes("canary"));
  });

  test("a password that changes in its file and in the database is used without a restart", async () => {
    const folder = mkdtempSync(join(tmpdir(), "qpq-password-"));
    using _ = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
    const file = join(folder, "password");
    await using postgres = await TestPostgres.start({ access: ["host all with_password all scram-sha-256"] });
    const database = await postgres.createDatabase();
    await database.query("CREATE USER with_password PASSWORD 'first'");
    await database.query("GRANT SELECT ON meta TO with_password");
    writeFileSync(file, "first\n");
    await using server = await startServerProcess({
      cluster: { databaseUrl: database.url.replace("qpq@", "with_password@") },
      env: { QPQ_DATABASE_PASSWORD_FILE: file },
    });
    await database.query("ALTER USER with_password PASSWORD 'second'");
    await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'with_password'");
    await until(() => linesOf(server, "store_part_lost").length > 0);
    writeFileSync(file, "second\n");
    await until(async () => (await page(server, "/readyz")).status === 200);
    assert.match(String(linesOf(server, "store_part_lost")[0]?.["reason"]), /^28P01/);
  });
});

async function caughtUp({ cluster }: TestPostgres, standby: PostgresCluster): Promise<void> {
  const [{ lsn } = {}] = await new TestDatabase(cluster, "postgres").query("SELECT pg_current_wal_lsn() AS lsn");
  const sql = "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) AS yes";
  await until(async () => (await new TestDatabase(standby, "postgres").query(sql, [lsn]))[0]?.["yes"] === true);
}
