/** The agent's face: every action of the table, its lists and figures, and that it outlives its server. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { ServerProcess } from "quicproquo-server/testing";
import type { Agent } from "../../src/agent/running-agent.ts";
import { actions } from "../../src/open-loop/actions.ts";
import { act, ask, startTestAgent, startTestServer } from "./rig.ts";

const started = new AsyncDisposableStack();
let server: ServerProcess;
let agent: Agent;

before(async () => {
  server = started.use(await startTestServer());
  agent = started.use(await startTestAgent(server));
});
after(() => started.disposeAsync());

test("the agent tells whether its server answers, and which actions there are", async () => {
  assert.deepEqual((await ask(agent, "/v1/health")).body, { ok: true, code: "ok", status: "ok" });
  const { body } = await ask(agent, "/v1/actions");
  assert.deepEqual(
    body.actions?.map(({ name }) => name),
    Object.keys(actions),
  );
});

for (const name of Object.keys(actions)) {
  test(`${name} is done over QUIC, and the answer has its time alone`, async () => {
    const beganMs = performance.now();
    const { status, body } = await act(agent, name, 1);
    const aroundMicros = (performance.now() - beganMs) * 1_000;
    assert.deepEqual({ status, ok: body.ok, code: body.code }, { status: 200, ok: true, code: "ok" }, body.text ?? "");
    assert.ok((body.micros as number) > 0 && (body.micros as number) < aroundMicros, `${body.micros}`);
  });
}

test("a request without a body is the first user's", async () => {
  assert.equal((await ask(agent, "/v1/enqueue", { method: "POST" })).body.ok, true);
});

test("/metrics counts actions by their outcome, and bytes of the connections to the server", async () => {
  await using other = await startTestAgent(server);
  await act(other, "enqueue");
  await act(other, "enqueue", 1);
  await act(other, "no-such");
  const { text, headers } = await ask(other, "/metrics");
  assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^qpq_agent_actions_total\{action="enqueue",code="ok"\} 2$/m);
  assert.match(text, /^qpq_agent_action_duration_seconds_count\{action="enqueue"\} 2$/m);
  assert.match(text, /^qpq_agent_action_duration_seconds_bucket\{action="enqueue",le="\+Inf"\} 2$/m);
  assert.match(text, /^qpq_agent_refused_total\{code="E019_UNKNOWN_METHOD"\} 1$/m);
  assert.match(text, /^qpq_agent_in_flight 0$/m);
  assert.match(text, /^qpq_agent_bytes_total\{direction="out"\} [1-9]\d+$/m);
});

test("while its server is down an action fails by code and the agent stays; once it is back, every action goes on", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "qpq-agent-"));
  try {
    // below those that the system gives to clients: it has to be free again after a while, too
    const port = 20_000 + (process.pid % 10_000);
    const first = await startTestServer({ dataDir, port });
    await using lasting = await startTestAgent(first);
    for (const name of Object.keys(actions)) assert.equal((await act(lasting, name)).body.ok, true, name);
    await first.kill("SIGKILL");
    const lost = await act(lasting, "enqueue");
    assert.equal(lost.status, 200);
    assert.equal(lost.body.ok, false);
    assert.match(lost.body.code as string, /^E04[02]_|^E028_/);
    assert.equal((await ask(lasting, "/v1/health")).body.ok, false);
    await using _second = await startTestServer({ dataDir, port });
    for (const name of Object.keys(actions)) {
      // a connection that was lost is found so by the first who use it
      let reply = await act(lasting, name);
      for (let tries = 0; !reply.body.ok && tries < 10; tries++) reply = await act(lasting, name);
      assert.equal(reply.body.ok, true, `${name}: ${reply.text}`);
    }
    assert.equal((await ask(lasting, "/v1/health")).status, 200);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test("an agent whose server is not there, or whose port is taken, does not start", async () => {
  await using gone = await startTestServer();
  await gone.kill("SIGKILL");
  const isCode = (code: string) => (error: unknown) => error instanceof QpqError && error.code === code;
  await assert.rejects(startTestAgent(gone), isCode("E040_CONNECT_FAILED"));
  const listen = { host: "127.0.0.1", port: agent.port };
  await assert.rejects(startTestAgent(server, { listen }), isCode("E047_PORT_IN_USE"));
});
