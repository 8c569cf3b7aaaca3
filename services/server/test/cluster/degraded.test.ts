/** A server whose Redis or Postgres is not there, goes away and comes back: what clients and probes see; nobody restarts it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { PostgresCluster, sharedPostgres, TestPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { linesOf, metric, page, until } from "../workers/rig.ts";

let keys = 0;
const freshKey = (): Uint8Array => new Uint8Array(32).fill(++keys);

const ready = { status: 200, text: "ok\n" };
const withoutRedis = { status: 200, text: "ok, degraded: without redis\n" };
const withoutPostgres = { status: 503, text: "E020_STORE_UNAVAILABLE\n" };

type Page = { readonly status: number; readonly text: string };

async function readyzBecomes(server: ServerProcess, expected: Page): Promise<void> {
  await until(async () => {
    const { status, text } = await page(server, "/readyz");
    return status === expected.status && text === expected.text;
  });
}

/** A message goes in, wakes a reader of another connection, and is removed when that has it. */
async function assertWorks(server: ServerProcess): Promise<void> {
  const recipientKey = freshKey();
  using reader = await RawClient.connect(server);
  using sender = await RawClient.connect(server);
  const waiters = await metric(server, "qpq_waiters");
  const waiting = reader.call("fetchWait", { recipientKey, timeoutMs: 60_000n });
  await until(async () => (await metric(server, "qpq_waiters")) > waiters);
  assert.deepEqual(await sender.call("enqueue", { recipientKey, payload: Buffer.from("x") }), { seq: 1n });
  assert.equal((await waiting).payloads.length, 1);
  await until(async () => (await sender.call("peek", { recipientKey })).payloads.length === 0);
}

async function refusalOf(call: Promise<unknown>): Promise<Pick<QpqError, "code" | "kind" | "retryAfterMs">> {
  const error = await call.then(
    () => assert.fail("it was answered"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof QpqError, String(error));
  const { code, kind, retryAfterMs } = error;
  return { code, kind, retryAfterMs };
}

const unavailable = { code: "E020_STORE_UNAVAILABLE", kind: "unavailable", retryAfterMs: 1_000 } as const;

describe("without Redis", () => {
  test("absent at the start, then there, then killed: everything works all the time, and /readyz tells of it with 200", async () => {
    const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
    await using redis = await RedisProcess.start();
    await redis.kill();
    await using server = await startServerProcess({ cluster: { databaseUrl, redisUrl: redis.url } });
    assert.match(server.words, /, Redis not reachable yet$/m);
    assert.deepEqual(await page(server, "/readyz"), withoutRedis);
    assert.equal(await metric(server, "qpq_store_up", '"redis"'), 0);
    await assertWorks(server);
    await redis.startAgain();
    await readyzBecomes(server, ready);
    assert.equal(await metric(server, "qpq_store_up", '"redis"'), 1);
    await until(() => linesOf(server, "store_part_back").some(({ part }) => part === "redis"));
    await assertWorks(server);
    await redis.kill();
    await readyzBecomes(server, withoutRedis);
    assert.ok((await metric(server, "qpq_store_total", 'part="redis",name="connectionsLost"')) > 0);
    await assertWorks(server);
    await until(() => linesOf(server, "store_part_lost").length === 2);
    assert.equal(await server.kill("SIGTERM"), 0);
  });

  test("a Redis that answers nothing holds up no call", async () => {
    const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
    await using redis = await RedisProcess.start();
    await using server = await startServerProcess({ cluster: { databaseUrl, redisUrl: redis.url } });
    redis.pause();
    await assertWorks(server);
    await readyzBecomes(server, withoutRedis);
    await assertWorks(server);
    redis.resume();
    await readyzBecomes(server, ready);
  });
});

describe("without Postgres", () => {
  for (const workers of [1, 2]) {
    test(`${workers} worker(s): it starts, answers calls with E020 and when to come again, and serves once Postgres is there`, async () => {
      await using postgres = await TestPostgres.start();
      const { url: databaseUrl } = await postgres.createDatabase();
      await postgres.cluster.stop("fast");
      await using server = await startServerProcess({ cluster: { databaseUrl }, settings: { workers } });
      assert.match(server.words, /^store {9}Postgres \S+ \(not reachable yet\), no Redis$/m);
      assert.deepEqual(await page(server, "/livez"), ready);
      assert.deepEqual(await page(server, "/readyz"), withoutPostgres);
      assert.equal(await metric(server, "qpq_store_up", '"postgres"'), 0);
      using client = await RawClient.connect(server);
      const recipientKey = freshKey();
      const message = { recipientKey, payload: Buffer.from("x") };
      assert.deepEqual(await refusalOf(client.call("enqueue", message)), unavailable);
      assert.deepEqual(await refusalOf(client.call("fetch", { recipientKey })), unavailable);
      assert.deepEqual(await refusalOf(client.call("fetchWait", { recipientKey, timeoutMs: 60_000n })), unavailable);
      assert.deepEqual(await refusalOf(client.call("fetchKeyPackage", { identityKey: recipientKey })), unavailable);
      const [{ reason } = {}] = linesOf(server, "store_part_lost");
      assert.match(String(reason), /ECONNREFUSED/);
      await postgres.cluster.startAgain();
      await readyzBecomes(server, ready);
      // of several workers the least, and not their sum
      await until(async () => (await metric(server, "qpq_store_up", '"postgres"')) === 1);
      // of several workers another one may be the first
      await until(() =>
        client.call("enqueue", { ...message, idempotencyKey: new Uint8Array(16) }).then(
          () => true,
          () => false,
        ),
      );
      assert.equal((await client.call("fetch", { recipientKey })).payloads.length, 1);
      assert.equal(linesOf(server, "process_ended").length, 0, server.log());
      assert.equal(await server.kill("SIGTERM"), 0);
    });
  }

  test("lost and back: parked readers stay, calls are refused with E020 meanwhile, and what was acknowledged is there", async () => {
    await using postgres = await TestPostgres.start();
    const { url: databaseUrl } = await postgres.createDatabase();
    await using server = await startServerProcess({ cluster: { databaseUrl } });
    using reader = await RawClient.connect(server);
    using sender = await RawClient.connect(server);
    const [standing, parked] = [freshKey(), freshKey()];
    const send = (recipientKey: Uint8Array) => sender.call("enqueue", { recipientKey, payload: Buffer.from("x") });
    await send(standing);
    const waiting = reader.call("fetchWait", { recipientKey: parked, timeoutMs: 60_000n });
    await until(async () => (await metric(server, "qpq_waiters")) === 1);
    await sender.call("peek", { recipientKey: parked }); // behind its first look, which has found nothing then
    await postgres.cluster.stop("immediate");
    await readyzBecomes(server, withoutPostgres);
    assert.deepEqual(await refusalOf(send(parked)), unavailable);
    assert.equal(await metric(server, "qpq_waiters"), 1);
    await postgres.cluster.startAgain();
    await readyzBecomes(server, ready);
    await send(parked);
    assert.equal((await waiting).payloads.length, 1);
    assert.equal((await reader.call("fetch", { recipientKey: standing })).payloads.length, 1);
    await until(() => linesOf(server, "store_part_back").length === 1);
    assert.equal(linesOf(server, "store_part_lost").length, 1);
  });

  test("one that answers nothing is told of as lost, though connections to it stand; what was under way is done when it goes on", async () => {
    await using postgres = await TestPostgres.start();
    const { url: databaseUrl } = await postgres.createDatabase();
    await using server = await startServerProcess({ cluster: { databaseUrl } });
    using client = await RawClient.connect(server);
    const recipientKey = freshKey();
    await client.call("enqueue", { recipientKey, payload: Buffer.from("x") });
    postgres.cluster.pause();
    const sending = client.call("enqueue", {
      recipientKey,
      payload: Buffer.from("y"),
      idempotencyKey: Buffer.alloc(16, 1),
    });
    const codes = sending.then(
      () => "accepted",
      ({ code }: QpqError) => code,
    );
    await until(async () => (await metric(server, "qpq_store_up", '"postgres"')) === 0);
    assert.deepEqual(await page(server, "/readyz"), withoutPostgres);
    await until(() => linesOf(server, "store_part_lost").some(({ reason }) => reason !== undefined));
    postgres.cluster.resume();
    await readyzBecomes(server, ready);
    await until(async () => (await metric(server, "qpq_store_up", '"postgres"')) === 1);
    assert.match(await codes, /^(?:accepted|E020_STORE_UNAVAILABLE)$/);
    await assertWorks(server);
  });

  test("the primary of two hosts is lost: the standby takes over, and the running server finds it with all it has acknowledged", async () => {
    await using primary = await TestPostgres.start({ settings: { synchronous_standby_names: "ANY 1 (*)" } });
    await using standby = await PostgresCluster.standbyOf(primary.cluster, "second", {
      // else what it commits would wait for a standby of its own
      synchronous_standby_names: "",
    });
    const { url } = await primary.createDatabase();
    const hosts = url.replace("127.0.0.1:", `127.0.0.1:${standby.port},127.0.0.1:`);
    const databaseUrl = `${hosts}?target_session_attrs=read-write`;
    await using server = await startServerProcess({ cluster: { databaseUrl } });
    using client = await RawClient.connect(server);
    const recipientKey = freshKey();
    const send = (text: string) => client.call("enqueue", { recipientKey, payload: Buffer.from(text) });
    const before = Array.from({ length: 50 }, (_, i) => `${i}`);
    await Promise.all(before.map(send));
    await primary.cluster.stop("kill");
    await standby.promote();
    await readyzBecomes(server, ready);
    assert.deepEqual(await send("after"), { seq: 51n });
    const { payloads } = await client.call("peek", { recipientKey, limit: 100 });
    assert.deepEqual(
      payloads.map(({ data }) => Buffer.from(data).toString()),
      [...before, "after"],
    );
  });
});
