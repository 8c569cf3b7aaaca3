/** A process that stalls, swells or cannot live is replaced, and the clients of the others go on. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ServerProcess } from "../../testing/server-process.ts";
import { faultsOf, Ledger, noFaults } from "../crash/ledger.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { faultyServer, linesOf, metric, pidOf, startWorkers, until } from "./rig.ts";
import { SteadyClients } from "./steady-clients.ts";

const settings = { "queue-depth-max": 1_000_000 };

function hasEnded(server: ServerProcess, worker: string, reason: string): boolean {
  return linesOf(server, "process_ended").some((line) => line.worker === worker && line["reason"] === reason);
}

function startsOf(server: ServerProcess, worker: string): number {
  return linesOf(server, "process_started").filter((line) => line.worker === worker).length;
}

test("a worker whose event loop does not turn is killed and replaced, and the other's clients go on meanwhile", async (t) => {
  await using server = await startWorkers({ program: faultyServer, settings: { ...settings, "heartbeat-ms": 500 } });
  const ledger = new Ledger();
  // the kernel spreads them: all 20 on one worker happens once in half a million
  using clients = new SteadyClients(server, ledger);
  clients.start(20);
  await until(() => clients.all.every(({ acknowledged }) => acknowledged > 3));
  const stalledAtMs = performance.now();
  process.kill(pidOf(server, "1"), "SIGUSR2");
  await until(() => hasEnded(server, "1", "stalled"));
  const endedAtMs = performance.now();
  const atEnd = new Map(clients.all.map((client) => [client, client.lastAcknowledgedAtMs]));
  await until(() => startsOf(server, "1") === 2);
  await until(() => clients.all.every(({ lastAcknowledgedAtMs }) => lastAcknowledgedAtMs > endedAtMs));
  await clients.stopAndRead();
  assert.ok(clients.lost.length > 0 && clients.unharmed.length > 0);
  // who was not harmed was served to the end of the stall
  for (const client of clients.unharmed) {
    assert.ok((atEnd.get(client) as number) - stalledAtMs > (endedAtMs - stalledAtMs) / 2);
  }
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  assert.equal(await metric(server, "qpq_worker_restarts_total", '"stalled"'), 1);
  t.diagnostic(`killed after ${Math.round(endedAtMs - stalledAtMs)} ms; ${clients.lost.length} of 20 reconnected`);
});

test("a worker that takes more memory than workerRssBytesMax is drained and replaced, without an error for its clients", async (t) => {
  const rssBytesMax = 400 * 1024 * 1024;
  await using server = await startWorkers({
    program: faultyServer,
    settings: { ...settings, "heartbeat-ms": 200, "heartbeat-misses-max": 50, "worker-rss-bytes-max": rssBytesMax },
  });
  const ledger = new Ledger();
  using clients = new SteadyClients(server, ledger);
  clients.start(20);
  await until(() => clients.all.every(({ acknowledged }) => acknowledged > 3));
  process.kill(pidOf(server, "0"), "SIGWINCH");
  await until(() => hasEnded(server, "0", "memory"));
  const endedAtMs = performance.now();
  await until(() => startsOf(server, "0") === 2);
  await until(() => clients.all.every(({ lastAcknowledgedAtMs }) => lastAcknowledgedAtMs > endedAtMs));
  await clients.stopAndRead();
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  assert.equal(linesOf(server, "process_ended")[0]?.["exitCode"], 0, "it exited by itself");
  assert.equal(await metric(server, "qpq_worker_restarts_total", '"memory"'), 1);
  t.diagnostic(`${clients.lost.length} of 20 were told to reconnect`);
});

test("a store's process that has lost its writing thread makes room for another", async () => {
  await using server = await startWorkers({ program: faultyServer });
  using client = await RawClient.connect(server);
  const enqueue = () => client.call("enqueue", { recipientKey: new Uint8Array(32), payload: Buffer.from("x") });
  await enqueue();
  process.kill(pidOf(server, "store"), "SIGUSR2");
  await until(() => hasEnded(server, "store", "exited"));
  assert.equal(linesOf(server, "store_lost").length, 1);
  await until(() => startsOf(server, "store") === 2);
  await until(() =>
    enqueue().then(
      ({ seq }) => seq === 2n,
      () => false,
    ),
  );
});

test("a worker that cannot live is started again after longer and longer pauses, and told of", async () => {
  await using server = await startWorkers({ program: faultyServer, settings });
  const crash = join(server.dataDir, "run", "crash");
  writeFileSync(crash, "");
  process.kill(pidOf(server, "0"), "SIGKILL");
  await until(() => linesOf(server, "crash_loop").length >= 2);
  const pauses = linesOf(server, "crash_loop").map((line) => line["ms"]);
  assert.deepEqual(pauses.slice(0, 2), [1_600, 3_200]);
  const lives = linesOf(server, "process_ended").filter(({ worker }) => worker === "0");
  assert.ok(lives.length <= 6, `${lives.length} tries`);
  assert.equal(await metric(server, "qpq_workers"), 1);
  assert.equal(await metric(server, "qpq_worker_restarts_total", '"exited"'), lives.length - 1);
  rmSync(crash);
  await until(async () => (await metric(server, "qpq_workers")) === 2);
});
