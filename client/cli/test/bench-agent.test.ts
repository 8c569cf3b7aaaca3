/** qpq bench agent as people start it: where it listens, its tokens, how it ends. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { environmentOf, program, type Run, runQpq } from "./run-qpq.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-bench-agent-"));
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({ settings: { "log-level": "warn" } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const agent = (args: readonly string[], env: Record<string, string> = {}): Promise<Run> =>
  runQpq({ server, folder, who: "nobody" }, ["bench", "agent", ...args], { env });

/** Resolves when it listens. */
async function start(
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string; words: () => string }> {
  const args = ["bench", "agent", "--listen", "127.0.0.1:0", "--users", "2", "--connections", "1", "--json"];
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...environmentOf({ server, folder, who: "nobody" }), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words += chunk.toString();
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, url: (JSON.parse(line) as { url: string }).url, words: () => words };
  }
  throw new Error(`the agent ended: ${words}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`the agent says where it listens, does what it is asked for, and ends with 0 at ${signal}`, async () => {
    const { child, url, words } = await start();
    const response = await fetch(`${url}/v1/enqueue`, { method: "POST" });
    assert.deepEqual([response.status, ((await response.json()) as { code: string }).code], [200, "ok"]);
    assert.match(words(), new RegExp(`next: QPQ_AGENT=${url} k6 run loadtest/k6/smoke.ts`));
    assert.equal(await end(child, signal), 0);
  });
}

test("its token comes from a file, is asked for, and stands in no output", async () => {
  const token = "0123456789abcdef0123456789abcdef";
  const file = join(folder, "agent-token");
  writeFileSync(file, `${token}\n`);
  const { child, url, words } = await start({ QPQ_AGENT_TOKEN_FILE: file });
  const authorization = `Bearer ${token}`;
  assert.equal((await fetch(`${url}/v1/health`)).status, 401);
  assert.equal((await fetch(`${url}/v1/health`, { headers: { authorization } })).status, 200);
  assert.match(words(), /plain HTTP/);
  assert.ok(!words().includes(token));
  assert.equal(await end(child, "SIGTERM"), 0);
});

test("without the server's token it says which actions fail", async () => {
  const { child, url, words } = await start({ QPQ_AUTH_TOKEN: "" });
  const enqueue = await fetch(`${url}/v1/enqueue`, { method: "POST" });
  assert.equal(((await enqueue.json()) as { code: string }).code, "E003_UNAUTHENTICATED");
  assert.equal((await fetch(`${url}/v1/handshake`, { method: "POST" })).status, 200);
  assert.match(words(), /no QPQ_AUTH_TOKEN_FILE: actions that need/);
  assert.equal(await end(child, "SIGTERM"), 0);
});

test("what it cannot be started with ends it: wrong words with 2, a server that is not there with 3", async () => {
  for (const [args, told] of [
    [
      ["--listen", "0.0.0.0:0"],
      /E048_USAGE whoever reaches 0\.0\.0\.0 could drive this load: set QPQ_AGENT_TOKEN_FILE/,
    ],
    [["--listen", "7070"], /--listen takes HOST:PORT, not 7070/],
    [["--users", "0"], /--users takes a whole number from 1/],
    [["--in-flight-max", "many"], /--in-flight-max takes a whole number/],
    [["--rate", "5"], /Unknown option '--rate'/],
    [["more"], /usage: qpq bench agent/],
  ] as const) {
    const run = await agent(args);
    assert.equal(run.code, 2, `${args.join(" ")}: ${run.err}`);
    assert.match(run.err, told);
  }
  await using gone = await startServerProcess({ settings: { "log-level": "warn" } });
  await gone.kill("SIGKILL");
  const unreachable = await agent(["--listen", "127.0.0.1:0"], { QPQ_SERVER: `127.0.0.1:${gone.port}` });
  assert.equal(unreachable.code, 3, unreachable.err);
});

test("its help has the actions and every flag", async () => {
  const { code, out } = await agent(["--help"]);
  assert.equal(code, 0);
  assert.match(out, /^ {2}group-message /m);
  assert.match(out, /^ {2}--in-flight-max .*\(default 1024\)$/m);
});
