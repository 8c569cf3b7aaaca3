/** What the agent refuses, and that it goes on afterwards. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { ServerProcess } from "quicproquo-server/testing";
import { Access } from "../../src/agent/access.ts";
import type { Agent } from "../../src/agent/running-agent.ts";
import { act, type Ask, ask, startTestAgent, startTestServer } from "./rig.ts";

const started = new AsyncDisposableStack();
let server: ServerProcess;
let agent: Agent;

before(async () => {
  server = started.use(await startTestServer());
  agent = started.use(await startTestAgent(server));
});
after(() => started.disposeAsync());

const post = (more: Ask): Promise<{ status: number; code: string | undefined }> =>
  ask(agent, "/v1/enqueue", { method: "POST", ...more }).then(({ status, body }) => ({ status, code: body.code }));
const json = { "content-type": "application/json" };

test("a body that is no JSON, no object, has another field, or a user that is none is E001_BAD_REQUEST", async () => {
  const bodies = [
    "{",
    "[]",
    "1",
    "null",
    '{"user":-1}',
    '{"user":1.5}',
    '{"user":"0"}',
    '{"user":1e300}',
    '{"users":1}',
  ];
  for (const body of bodies)
    assert.deepEqual(await post({ headers: json, body }), { status: 400, code: "E001_BAD_REQUEST" }, body);
  // a form is what a page of the web can send without being asked whether it may
  const headers = { "content-type": "text/plain" };
  assert.deepEqual(await post({ headers, body: "{}" }), { status: 400, code: "E001_BAD_REQUEST" });
  assert.equal((await act(agent, "enqueue")).body.ok, true);
});

test("a body beyond bodyBytesMax is E008_PAYLOAD_TOO_LARGE, announced or not, and its connection is closed", async () => {
  const body = `{"user":${" ".repeat(5_000)}0}`;
  const tooLarge = { status: 413, code: "E008_PAYLOAD_TOO_LARGE" };
  assert.deepEqual(await post({ headers: json, body }), tooLarge);
  assert.deepEqual(await post({ headers: { ...json, "transfer-encoding": "chunked" }, body }), tooLarge);
  // 1 GB announced, and nothing of it sent
  const socket = connect(agent.port, "127.0.0.1");
  socket.write("POST /v1/enqueue HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n");
  const text = await textUntilEnd(socket);
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*connection: close/i);
});

test("a body that does not come within requestTimeoutMs is 408, and its connection is closed", async () => {
  await using impatient = await startTestAgent(server, { limits: { requestTimeoutMs: 200 } });
  const socket = connect(impatient.port, "127.0.0.1");
  socket.write(
    `POST /v1/enqueue HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"us`,
  );
  assert.match(await textUntilEnd(socket), /^HTTP\/1\.1 408 /);
  assert.equal((await act(impatient, "enqueue")).body.ok, true);
});

test("an unknown action is 404 with the one that was meant; another path, and another method, say what there is", async () => {
  const unknown = await act(agent, "enqeue");
  assert.equal(unknown.status, 404);
  assert.match(unknown.body.text as string, /did you mean enqueue\?/);
  assert.doesNotMatch((await act(agent, "zzz")).body.text as string, /did you mean/);
  assert.equal((await act(agent, "constructor")).status, 404);
  assert.match((await ask(agent, "/")).body.text as string, /\/v1\/ACTION/);
  const get = await ask(agent, "/v1/enqueue");
  assert.deepEqual({ status: get.status, allow: get.headers["allow"] }, { status: 405, allow: "POST" });
});

test("more than inFlightMax actions at once are E021_OVERLOADED with a time to wait, and are not begun", async () => {
  await using small = await startTestAgent(server, { limits: { inFlightMax: 2 } });
  await act(small, "enqueue");
  const two = await whileServerStands(async () => {
    const underWay = [act(small, "enqueue", 1), act(small, "enqueue", 2)];
    await inFlight(small, 2);
    const { status, headers, body } = await act(small, "enqueue", 3);
    assert.deepEqual([status, body.code, headers["retry-after"]], [503, "E021_OVERLOADED", "1"]);
    return underWay;
  });
  for (const { body } of await Promise.all(two)) assert.equal(body.ok, true);
  await inFlight(small, 0);
  assert.equal((await act(small, "enqueue", 3)).body.ok, true);
  assert.match((await ask(small, "/metrics")).text, /actions_total\{action="enqueue",code="ok"\} 4$/m);
});

test("an action beyond actionTimeoutMs is E028_DEADLINE, and holds its place until it has ended", async () => {
  await using hasty = await startTestAgent(server, { limits: { actionTimeoutMs: 1 } });
  await whileServerStands(async () => {
    const { status, body } = await act(hasty, "enqueue");
    assert.deepEqual({ status, code: body.code }, { status: 504, code: "E028_DEADLINE" });
    await inFlight(hasty, 1);
  });
  await inFlight(hasty, 0);
});

test("connections beyond connectionsMax are closed at once", async () => {
  await using small = await startTestAgent(server, { limits: { connectionsMax: 1 } });
  const first = connect(small.port, "127.0.0.1");
  await once(first, "connect");
  const second = connect(small.port, "127.0.0.1");
  assert.equal(await textUntilEnd(second), "");
  first.destroy();
});

test("a page of the web is refused: by its Origin, by what the browser says of it, by a name bound to 127.0.0.1", async () => {
  const forbidden = { status: 403, code: "E006_FORBIDDEN" };
  assert.deepEqual(await post({ headers: { origin: "https://example.org" } }), forbidden);
  assert.deepEqual(await post({ headers: { origin: `http://127.0.0.1:${agent.port}` } }), forbidden);
  assert.deepEqual(await post({ headers: { "sec-fetch-site": "cross-site" } }), forbidden);
  for (const host of [
    "example.org",
    `127.0.0.1.example.org:${agent.port}`,
    "localhost.example.org",
    "127.0.0.1@example.org",
  ]) {
    assert.deepEqual(await post({ headers: { host } }), forbidden, host);
  }
  for (const host of [`localhost:${agent.port}`, "127.0.0.1", "[::1]:1"]) {
    assert.equal((await post({ headers: { host } })).status, 200, host);
  }
});

test("who has not the agent's token gets nothing, not even its figures", async () => {
  const agentToken = "0123456789abcdef0123456789abcdef";
  await using locked = await startTestAgent(server, { agentToken });
  const codeOf = async (path: string, authorization?: string): Promise<unknown[]> => {
    const headers = authorization === undefined ? {} : { authorization };
    const { status, body } = await ask(locked, path, { headers });
    return [status, body.code];
  };
  for (const path of ["/v1/health", "/v1/actions", "/metrics", "/v1/enqueue", "/"]) {
    assert.deepEqual(await codeOf(path), [401, "E003_UNAUTHENTICATED"], path);
    for (const wrong of [agentToken.slice(1), `${agentToken}0`, agentToken.replace("f", "e"), "x"]) {
      assert.deepEqual(await codeOf(path, `Bearer ${wrong}`), [401, "E004_BAD_TOKEN"], path);
    }
  }
  assert.deepEqual(await codeOf("/v1/health", `Basic ${agentToken}`), [401, "E003_UNAUTHENTICATED"]);
  assert.deepEqual(await codeOf("/v1/health", `Bearer ${agentToken}`), [200, "ok"]);
});

test("beyond loopback the agent does not listen without a token, nor with a short one", () => {
  const isUsage = (error: unknown): boolean => error instanceof QpqError && error.code === "E048_USAGE";
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "load.example.org"]) {
    assert.throws(() => new Access({ host, token: "" }), isUsage, host);
    assert.throws(() => new Access({ host, token: "short" }), isUsage, host);
    assert.doesNotThrow(() => new Access({ host, token: "0123456789abcdef0123456789abcdef" }));
  }
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    assert.doesNotThrow(() => new Access({ host, token: "" }), host);
  }
});

/** A server that is stopped answers nothing; what is under way meanwhile ends afterwards. */
async function whileServerStands<T>(work: () => Promise<T>): Promise<T> {
  process.kill(server.pid, "SIGSTOP");
  try {
    return await work();
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
}

async function inFlight(of: Agent, count: number): Promise<void> {
  while (!(await ask(of, "/metrics")).text.includes(`\nqpq_agent_in_flight ${count}\n`));
}

async function textUntilEnd(socket: ReturnType<typeof connect>): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  await once(socket, "close");
  return text;
}
