/** Start, probes, stop: what an operator sees of one server process. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "./raw-client.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-life-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const page = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

test("the first start makes certificate and secrets for their owner only; the second one keeps them", async () => {
  const dataDir = join(folder, "first");
  const first = await startServerProcess({ dataDir });
  assert.equal(await first.kill("SIGTERM"), 0);
  for (const name of ["auth-token", "server-key.der", "transport-secret"]) {
    assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600, name);
  }
  await using second = await startServerProcess({ dataDir });
  assert.deepEqual(second.certificate, first.certificate);
  assert.equal(second.token, first.token);
  assert.match(first.words, /made now/);
  assert.doesNotMatch(second.words, /made now/);
  assert.ok(!first.words.includes(first.token), "the token is shown on a terminal only");
});

test("/livez and /readyz answer ok, /metrics counts calls by method and code", async () => {
  await using server = await startServerProcess();
  assert.deepEqual(await page(server.opsPort, "/livez"), { status: 200, text: "ok\n" });
  assert.deepEqual(await page(server.opsPort, "/readyz"), { status: 200, text: "ok\n" });
  assert.equal((await page(server.opsPort, "/nothing")).status, 404);
  using client = await RawClient.connect(server);
  await client.call("enqueue", { recipientKey: new Uint8Array(32), payload: Buffer.from("x") });
  await client.call("enqueue", { recipientKey: new Uint8Array(31), payload: Buffer.from("x") }).catch(() => undefined);
  await client.call("peek", { recipientKey: new Uint8Array(32) });
  const { text } = await page(server.opsPort, "/metrics");
  for (const line of [
    'qpq_rpc_calls_total{method="enqueue",code="ok"} 1',
    'qpq_rpc_calls_total{method="enqueue",code="E007_KEY_LENGTH"} 1',
    "enqueue_total 1",
    "qpq_messages_delivered_total 1",
    "qpq_rpc_sessions 1",
    "qpq_draining 0",
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});

test("SIGTERM answers a parked fetchWait at once, tells the client to reconnect, and ends with code 0", async () => {
  await using server = await startServerProcess();
  using client = await RawClient.connect(server);
  const closed = new Promise<number | undefined>((resolve) => {
    client.connection.onClose = ({ code }) => resolve(code);
  });
  const waiting = client.call("fetchWait", { recipientKey: new Uint8Array(32), timeoutMs: 60_000n });
  while (!(await page(server.opsPort, "/metrics")).text.includes("qpq_waiters 1\n"));
  const ended = server.kill("SIGTERM");
  assert.deepEqual((await waiting).payloads, []);
  assert.equal(await closed, 100);
  assert.equal(await ended, 0);
});

test("while it drains /readyz stays at 200 and says so, and nobody new is let in", async () => {
  await using server = await startServerProcess({ settings: { "drain-ms": 60_000, "log-level": "info" } });
  using client = await RawClient.connect(server);
  await client.call("health", {});
  // a stream that its client does not end keeps the drain going
  const held = client.connection.openStream();
  held.write(Buffer.alloc(4));
  const recipientKey = new Uint8Array(32);
  const parked = client.call("fetchWait", { recipientKey, timeoutMs: 60_000n });
  while (!(await page(server.opsPort, "/metrics")).text.includes("qpq_waiters 1\n"));
  const ended = server.kill("SIGTERM");
  assert.deepEqual((await parked).payloads, []);
  assert.deepEqual(await page(server.opsPort, "/readyz"), { status: 200, text: "ok, draining\n" });
  assert.match((await page(server.opsPort, "/metrics")).text, /^qpq_draining 1$/m);
  await assert.rejects(RawClient.connect(server), { code: "E040_CONNECT_FAILED" });
  held.end();
  assert.equal(await ended, 0);
});

test("what was acknowledged before SIGTERM is there after the next start", async () => {
  const dataDir = join(folder, "stop");
  const recipientKey = new Uint8Array(32).fill(9);
  const first = await startServerProcess({ dataDir });
  using sender = await RawClient.connect(first);
  await sender.call("enqueue", { recipientKey, payload: Buffer.from("kept") });
  assert.equal(await first.kill("SIGTERM"), 0);
  await using second = await startServerProcess({ dataDir });
  using reader = await RawClient.connect(second);
  const { payloads } = await reader.call("fetch", { recipientKey });
  assert.deepEqual(
    payloads.map(({ data }) => Buffer.from(data).toString()),
    ["kept"],
  );
});

test("a second server on the same folder, a taken port and an open key file are refused with a code and the next step", async () => {
  const dataDir = join(folder, "taken");
  await using server = await startServerProcess({ dataDir });
  await assert.rejects(startServerProcess({ dataDir }), /E036_STORE_LOCKED/);
  await assert.rejects(startServerProcess({ port: server.port }), /E047_PORT_IN_USE/);
  await assert.rejects(
    startServerProcess({ settings: { "ops-port": server.opsPort } }),
    /E047_PORT_IN_USE.*--ops-port/,
  );
  const open = join(folder, "open");
  const once = await startServerProcess({ dataDir: open });
  await once.kill("SIGTERM");
  chmodSync(join(open, "server-key.der"), 0o644);
  await assert.rejects(startServerProcess({ dataDir: open }), /E046_CONFIG.*chmod 600/);
  chmodSync(join(open, "server-key.der"), 0o600);
  rmSync(join(open, "server-cert.der"));
  await assert.rejects(startServerProcess({ dataDir: open }), /E046_CONFIG.*server-key.der stands alone/);
});

test("a store file of a newer version is refused, not touched", async () => {
  const dataDir = join(folder, "newer");
  const first = await startServerProcess({ dataDir });
  await first.kill("SIGTERM");
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(join(dataDir, "qpq.db"));
  database.exec("PRAGMA user_version = 9999");
  database.close();
  await assert.rejects(startServerProcess({ dataDir }), /E037_STORE_SCHEMA/);
});

test("what it keeps in its folder is for its owner only, but for the certificate", async () => {
  await using server = await startServerProcess();
  const kept = readdirSync(server.dataDir).map(
    (name) => `${name} ${statSync(join(server.dataDir, name)).mode & 0o077}`,
  );
  assert.ok(
    kept.every((line) => /^(server-cert.der \d+|.* 0)$/.test(line)),
    `for the owner only: ${kept}`,
  );
});
