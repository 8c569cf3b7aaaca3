/**
 * SIGKILL for one of the processes while 200 clients send over QUIC: nothing that was acknowledged is lost, nothing is
 * stored twice, and everybody is back.
 */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import type { ServerProcess } from "../../testing/server-process.ts";
import { faultsOf, Ledger, noFaults } from "../crash/ledger.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { faultyServer, linesOf, livingPids, metric, page, pidOf, startWorkers, until } from "./rig.ts";
import { SteadyClients } from "./steady-clients.ts";

const settings = { "queue-depth-max": 1_000_000 };
const clientCount = 200;
const newcomers = 60;
const acknowledgedMin = 4_000;

type Trial = { readonly server: ServerProcess; readonly clients: SteadyClients; readonly ledger: Ledger };

async function startTrial(): Promise<Trial> {
  const server = await startWorkers({ settings });
  const ledger = new Ledger();
  const clients = new SteadyClients(server, ledger);
  clients.start(clientCount);
  await until(
    () => clients.acknowledged >= acknowledgedMin && clients.all.every(({ acknowledged }) => acknowledged > 0),
  );
  return { server, clients, ledger };
}

type Outcome = {
  /** How long the last client was without an answer. */
  readonly backMs: number;
  /** Clients that kept their connection, also when the next process had taken its place. */
  readonly unharmed: number;
};

async function killAndWait({ server, clients }: Trial, name: string): Promise<Outcome> {
  const starts = linesOf(server, "process_started").length;
  const ends = linesOf(server, "process_ended").length;
  const lossesBefore = clients.all.map(({ losses }) => losses);
  const allAnswered = async (sinceMs: number): Promise<void> => {
    await until(() => clients.all.every(({ lastAcknowledgedAtMs }) => lastAcknowledgedAtMs > sinceMs));
  };
  const killedAtMs = performance.now();
  process.kill(pidOf(server, name), "SIGKILL");
  await until(() => linesOf(server, "process_ended").length > ends);
  await allAnswered(performance.now());
  const backMs = Math.round(performance.now() - killedAtMs);
  await until(() => linesOf(server, "process_started").length > starts);
  await allAnswered(performance.now());
  const unharmed = clients.all.filter(({ losses }, i) => losses === lossesBefore[i]).length;
  return { backMs, unharmed };
}

/** Every counter and every part of a histogram, with its labels. */
async function countersOf(server: ServerProcess): Promise<Map<string, number>> {
  const { text } = await page(server, "/metrics");
  const blocks = text.split("# TYPE ").filter((block) => /^\w+ (?:counter|histogram)\n/.test(block));
  const lines = blocks.flatMap((block) => block.split("\n").slice(1)).filter((line) => /^\w/.test(line));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("a worker killed beside another: 0 lost, 0 doubled, all 200 clients back, the other's clients keep their connections, no counter goes back", async (t) => {
  const trial = await startTrial();
  await using server = trial.server;
  using clients = trial.clients;
  const { ledger } = trial;
  const first = await killAndWait(trial, "1");
  const seen = await countersOf(server);
  assert.ok((seen.get('qpq_transport_total{name="handshakes"}') ?? 0) >= clientCount);
  // All of them are with worker 0 now; these are with both. Worker 1 listens behind worker 0, so when that one goes its
  // socket takes the first place, and its successor's gets what came to it before: all of its clients' datagrams.
  clients.start(newcomers);
  await until(() => clients.all.every(({ acknowledged }) => acknowledged > 0));
  const second = await killAndWait(trial, "0");
  const after = await countersOf(server);
  for (const [name, value] of seen) assert.ok((after.get(name) ?? 0) >= value, name);
  await clients.stopAndRead();
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  const strays = after.get('qpq_transport_total{name="straysOut"}') ?? 0;
  assert.ok(strays > 0);
  for (const { backMs, unharmed } of [first, second]) {
    assert.ok(unharmed > 0 && unharmed < clientCount);
    assert.ok(backMs < 15_000);
    t.diagnostic(`all were back after ${backMs} ms, ${unharmed} had not been away`);
  }
  t.diagnostic(`${clients.acknowledged} acknowledged, ${strays} datagrams handed on`);
});

test("the store's process killed under load: 0 lost, 0 doubled, no client loses its connection", async (t) => {
  const trial = await startTrial();
  await using _ = trial.server;
  using clients = trial.clients;
  const { ledger } = trial;
  const { backMs } = await killAndWait(trial, "store");
  await clients.stopAndRead();
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  assert.equal(clients.lost.length, 0);
  t.diagnostic(`${clients.acknowledged} acknowledged; all were back after ${backMs} ms`);
});

test("a store's process that stalls is killed and replaced; meanwhile /readyz fails, and a parked fetchWait finds what came after", async () => {
  await using server = await startWorkers({ settings });
  const recipientKey = new Uint8Array(32).fill(3);
  using reader = await RawClient.connect(server);
  using sender = await RawClient.connect(server);
  const waiting = reader.call("fetchWait", { recipientKey, timeoutMs: 60_000n });
  await until(async () => (await metric(server, "qpq_waiters")) === 1);
  process.kill(pidOf(server, "store"), "SIGSTOP");
  const first = await page(server, "/readyz");
  assert.deepEqual(first, { status: 503, text: "E028_DEADLINE\n" });
  const later = new Set<string>();
  await until(async () => {
    const { status, text } = await page(server, "/readyz");
    if (status === 503) later.add(text);
    return status === 200;
  });
  assert.ok(
    [...later].every((text) => text === "E020_STORE_UNAVAILABLE\n" || text === first.text),
    [...later].join(),
  );
  assert.equal(await metric(server, "qpq_worker_restarts_total", 'worker="store",reason="stalled"'), 1);
  // the sender's own worker may be the last to be back
  const send = () => sender.call("enqueue", { recipientKey, payload: Buffer.from("after") });
  await until(() =>
    send().then(
      () => true,
      () => false,
    ),
  );
  assert.equal((await waiting).payloads.length, 1);
});

test("when the supervisor is killed every process ends, one that is stuck too, and the ports are free", async () => {
  await using server = await startWorkers({ program: faultyServer });
  assert.equal(livingPids(server).length, 3);
  process.kill(pidOf(server, "1"), "SIGUSR2");
  assert.equal(await server.kill("SIGKILL"), null);
  await until(() => livingPids(server).length === 0);
  const udp = dgram.createSocket("udp4");
  udp.bind({ address: "127.0.0.1", port: server.port, exclusive: true });
  await once(udp, "listening");
  udp.close();
  const tcp = createServer().listen(server.opsPort, "127.0.0.1");
  await once(tcp, "listening");
  tcp.close();
});
