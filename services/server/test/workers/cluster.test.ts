/** Workers over the cluster's store: each opens it itself, and one that is killed takes nothing with it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sharedPostgres } from "../../testing/postgres.ts";
import { RedisProcess } from "../../testing/redis.ts";
import { faultsOf, Ledger, noFaults } from "../crash/ledger.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { linesOf, livingPids, metric, page, pidOf, startWorkers, until } from "./rig.ts";
import { SteadyClients } from "./steady-clients.ts";

const clientCount = 60;
const acknowledgedMin = 1_500;

test("there is no store's process and no file; clients of both workers write to one store and wake each other", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  await using server = await startWorkers({
    cluster: { databaseUrl, redisUrl: redis.url },
    // else the sweep might find what no hint told of
    settings: { "safety-sweep-ms": 600_000 },
  });
  assert.equal(livingPids(server).length, 2);
  assert.equal(existsSync(join(server.dataDir, "qpq.db")), false);
  assert.deepEqual(await page(server, "/readyz"), { status: 200, text: "ok\n" });
  assert.match(server.words, /, Redis up$/m);
  const clients: RawClient[] = [];
  using _ = { [Symbol.dispose]: () => clients.forEach((client) => client.close()) };
  // the kernel spreads them by their ports: 20 are on one worker once in a million times
  for (let i = 0; i < 20; i++) clients.push(await RawClient.connect(server));
  for (const [i, client] of clients.entries()) {
    const recipientKey = new Uint8Array(32).fill(i);
    const waiting = client.call("fetchWait", { recipientKey, timeoutMs: 60_000n });
    await until(async () => (await metric(server, "qpq_waiters")) === 1);
    const sender = clients[(i + 7) % clients.length] as RawClient;
    await sender.call("enqueue", { recipientKey, payload: Buffer.from("x") });
    assert.equal((await waiting).payloads.length, 1);
  }
  assert.ok((await metric(server, "qpq_store_total", 'part="redis",name="hintsHeard"')) > 0);
});

test("what is over its life goes from the database, whichever worker took it", async () => {
  const database = await (await sharedPostgres()).createDatabase();
  await using server = await startWorkers({ cluster: { databaseUrl: database.url } });
  using client = await RawClient.connect(server);
  await client.call("enqueue", { recipientKey: new Uint8Array(32), payload: Buffer.from("x"), ttlSecs: 1 });
  await until(async () => {
    const [{ count } = {}] = await database.query("SELECT count(*) FROM message");
    return count === "0";
  });
});

test("a worker killed under load, then the other: 0 lost, 0 doubled, everybody is back", async (t) => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using redis = await RedisProcess.start();
  await using server = await startWorkers({
    cluster: { databaseUrl, redisUrl: redis.url },
    settings: { "queue-depth-max": 1_000_000 },
  });
  const ledger = new Ledger();
  using clients = new SteadyClients(server, ledger);
  clients.start(clientCount);
  const allAnswered = (sinceMs: number): Promise<void> =>
    until(() => clients.all.every(({ lastAcknowledgedAtMs }) => lastAcknowledgedAtMs > sinceMs));
  await allAnswered(0);
  for (const [i, worker] of ["0", "1"].entries()) {
    await until(() => clients.acknowledged >= (i + 1) * acknowledgedMin);
    process.kill(pidOf(server, worker), "SIGKILL");
    // of 2 workers at the start, and those that took the place of killed ones
    await until(() => linesOf(server, "process_started").length === 3 + i);
    await allAnswered(performance.now());
  }
  await clients.stopAndRead();
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  assert.ok(clients.lost.length > 0);
  t.diagnostic(`${clients.acknowledged} acknowledged, ${clients.lost.length} clients had to connect again`);
});
