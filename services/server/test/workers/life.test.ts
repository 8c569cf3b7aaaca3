/** Start, pages and stop of a server of several processes: what an operator sees. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { dialWebSocket } from "quicproquo-transport/websocket";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { faultyServer, linesOf, livingPids, metric, page, pidOf, startWorkers } from "./rig.ts";

const recipientKey = new Uint8Array(32).fill(3);

/** Where QUIC has its UDP port, the WebSocket has its TCP port. */
async function connectWebSocket(server: ServerProcess): Promise<RawClient> {
  const { websocketPort: port = 0, certificate, token } = server; // another than QUIC's where that was taken
  const trust = { caCertificate: certificate };
  return RawClient.on(await dialWebSocket({ host: "127.0.0.1", port, serverName: "localhost", trust }), token);
}

test("clients of different workers, over QUIC and over WebSockets, write to one store and wake each other", async () => {
  await using server = await startWorkers();
  const clients: RawClient[] = [];
  using _ = { [Symbol.dispose]: () => clients.forEach((client) => client.close()) };
  // the kernel spreads them by their ports: 20 are on one worker once in a million times
  for (let i = 0; i < 20; i++) {
    clients.push(await (i % 2 === 0 ? RawClient.connect(server) : connectWebSocket(server)));
  }
  for (const [i, client] of clients.entries()) {
    const key = new Uint8Array(32).fill(i);
    const waiting = client.call("fetchWait", { recipientKey: key, timeoutMs: 60_000n });
    await (clients[(i + 7) % clients.length] as RawClient).call("enqueue", {
      recipientKey: key,
      payload: Buffer.from("x"),
    });
    assert.equal((await waiting).payloads.length, 1);
  }
  assert.equal(await metric(server, "enqueue_total"), 20);
  assert.equal(await metric(server, "qpq_rpc_sessions"), 20);
});

test("/livez and /readyz answer ok, /metrics sums up the processes and tells of each", async () => {
  await using server = await startWorkers();
  assert.deepEqual(await page(server, "/livez"), { status: 200, text: "ok\n" });
  assert.deepEqual(await page(server, "/readyz"), { status: 200, text: "ok\n" });
  assert.equal(await metric(server, "qpq_workers"), 2);
  assert.equal(await metric(server, "qpq_draining"), 0);
  for (const worker of ["store", "0", "1"]) {
    assert.ok((await metric(server, "qpq_worker_rss_bytes", `"${worker}"`)) > 2 ** 20, worker);
    assert.ok((await metric(server, "qpq_worker_heartbeat_age_seconds", `"${worker}"`)) > 0, worker);
  }
  const { text } = await page(server, "/metrics");
  const names = text.split("\n").filter((line) => line.startsWith("# TYPE"));
  assert.equal(new Set(names).size, names.length);
});

test("SIGTERM answers a parked fetchWait at once, tells the client to reconnect, ends with code 0 and leaves no process", async () => {
  await using server = await startWorkers();
  using client = await RawClient.connect(server);
  const closed = new Promise<number | undefined>((resolve) => {
    client.connection.onClose = ({ code }) => resolve(code);
  });
  const waiting = client.call("fetchWait", { recipientKey, timeoutMs: 60_000n });
  while ((await metric(server, "qpq_waiters")) !== 1);
  const ended = server.kill("SIGTERM");
  assert.deepEqual((await waiting).payloads, []);
  assert.equal(await closed, 100);
  assert.equal(await ended, 0);
  assert.deepEqual(livingPids(server), []);
  assert.equal(linesOf(server, "process_ended").length, 0, server.log());
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} to the whole process group, as a terminal or a service manager sends it, is one graceful stop`, async () => {
    await using server = await startWorkers({ launcher: ["setsid"] });
    using client = await RawClient.connect(server);
    const waiting = client.call("fetchWait", { recipientKey, timeoutMs: 60_000n });
    while ((await metric(server, "qpq_waiters")) !== 1);
    const group = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pidOf(server, "0")}/status`, "latin1"))?.[1]);
    process.kill(-group, signal);
    assert.deepEqual((await waiting).payloads, []);
    assert.equal(await server.ended, 0);
    assert.deepEqual(livingPids(server), []);
    assert.equal(linesOf(server, "process_started").length, 3, "nobody was replaced");
    assert.equal(linesOf(server, "process_not_started").length, 0);
  });
}

test("what was acknowledged before a stop is there after the next start, with any number of workers", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "qpq-workers-"));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = await startWorkers({ dataDir });
  using sender = await RawClient.connect(first);
  await sender.call("enqueue", { recipientKey, payload: Buffer.from("kept") });
  await first.kill("SIGINT");
  await using second = await startServerProcess({ dataDir });
  using reader = await RawClient.connect(second);
  const { payloads } = await reader.call("fetch", { recipientKey });
  assert.deepEqual(
    payloads.map(({ data }) => Buffer.from(data).toString()),
    ["kept"],
  );
});

test("a taken port or folder is refused with its code, whoever has it, and leaves no process", async () => {
  await using server = await startWorkers();
  await assert.rejects(startWorkers({ dataDir: server.dataDir }), /E036_STORE_LOCKED/);
  await assert.rejects(startWorkers({ port: server.port }), /E047_PORT_IN_USE/);
  await assert.rejects(startServerProcess({ port: server.port }), /E047_PORT_IN_USE/);
  await assert.rejects(startWorkers({ settings: { "ops-port": server.opsPort } }), /E047_PORT_IN_USE/);
  assert.deepEqual(await page(server, "/readyz"), { status: 200, text: "ok\n" });
});

test("any free port is another one where somebody has taken the first before the workers came to it", async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "qpq-ports-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  mkdirSync(join(dataDir, "run"));
  writeFileSync(join(dataDir, "run", "intruder"), "");
  await using server = await startWorkers({ program: faultyServer, dataDir, settings: { port: 0 } });
  const refused = linesOf(server, "process_not_started").map(({ errorCode }) => errorCode);
  assert.ok(refused.includes("E047_PORT_IN_USE"), server.log());
  using client = await RawClient.connect(server);
  await client.call("enqueue", { recipientKey, payload: Buffer.from("x") });
  await server.kill("SIGTERM");
  assert.deepEqual(livingPids(server), []);
});

test("no secret is an argument of a process, and each logs with its name", async () => {
  const token = "canary-token-canary-token-canary-token";
  await using server = await startWorkers({ env: { QPQ_AUTH_TOKEN: token }, settings: { "log-level": "debug" } });
  const secret = readFileSync(`${server.dataDir}/transport-secret`, "utf8").trim();
  for (const name of ["store", "0", "1"]) {
    const args = readFileSync(`/proc/${pidOf(server, name)}/cmdline`, "latin1");
    assert.ok(!args.includes(token) && !args.includes(secret), args);
  }
  await server.kill("SIGTERM");
  assert.ok(!server.log().includes(token) && !server.log().includes(secret));
  for (const line of server.log().trim().split("\n")) assert.doesNotThrow(() => JSON.parse(line), line);
});
