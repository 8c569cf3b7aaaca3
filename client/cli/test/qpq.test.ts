/** qpq as people and scripts use it: real processes against a real server. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { NodeClient } from "quicproquo-sdk";

const program = fileURLToPath(new URL("../bin/qpq.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "qpq-cli-"));
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({ settings: { "log-level": "warn" } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Run = { readonly code: number | null; readonly out: string; readonly err: string };
type Setting = { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string };

/** `who` names the state file. */
function qpq(who: string, args: readonly string[], { env = {}, stdin = "" }: Setting = {}): Promise<Run> {
  const child = spawn(process.execPath, [program, ...args], {
    env: {
      PATH: process.env["PATH"],
      QPQ_SERVER: `127.0.0.1:${server.port}`,
      QPQ_CA_CERT: server.certificateFile,
      QPQ_AUTH_TOKEN: server.token,
      QPQ_STATE: join(folder, `${who}.bin`),
      ...env,
    },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

async function keyOf(who: string): Promise<string> {
  return (await qpq(who, ["whoami"])).out.trim();
}

const lines = (run: Run): Record<string, unknown>[] =>
  run.out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("whoami makes keys once, for their owner only, and works without a server", async () => {
  const first = await qpq("new", ["whoami"], { env: { QPQ_SERVER: "127.0.0.1:1" } });
  assert.equal(first.code, 0);
  assert.match(first.out, /^[0-9a-f]{64}\n$/);
  assert.equal(statSync(join(folder, "new.bin")).mode & 0o777, 0o600);
  const second = await qpq("new", ["whoami", "--json"]);
  assert.equal(lines(second)[0]?.["identityKey"], first.out.trim());
});

test("two people exchange texts, in order, each printed once", async () => {
  const [alice, bob] = [await keyOf("alice"), await keyOf("bob")];
  await qpq("bob", ["recv"]);
  const sent = await qpq("alice", ["send", bob, "-"], { stdin: "one\ntwo, with ünïcödé 🙂\nthree\n" });
  assert.equal(sent.code, 0, sent.err);
  const got = await qpq("bob", ["recv", "--json"]);
  assert.deepEqual(
    lines(got).map(({ text }) => text),
    ["one", "two, with ünïcödé 🙂", "three"],
  );
  assert.ok(lines(got).every(({ sender }) => sender === alice));
  const again = await qpq("bob", ["recv", "--json"]);
  assert.equal(again.out, "");
  assert.match(again.err, /no messages/);
});

test("recv --count waits for messages that come later", async () => {
  const bob = await keyOf("late-bob");
  await qpq("late-bob", ["recv"]);
  const waiting = qpq("late-bob", ["recv", "--count", "2", "--json"]);
  await qpq("alice", ["send", bob, "first"]);
  await qpq("alice", ["send", bob, "second"]);
  assert.deepEqual(
    lines(await waiting).map(({ text }) => text),
    ["first", "second"],
  );
});

test("health and ping answer, also as JSON", async () => {
  assert.equal((await qpq("alice", ["health"], { env: { QPQ_AUTH_TOKEN: "" } })).out, "ok\n");
  const [pinged] = lines(await qpq("alice", ["ping", "--count", "3", "--json"]));
  assert.equal(pinged?.["count"], 3);
  assert.ok(Number(pinged?.["minMs"]) <= Number(pinged?.["maxMs"]));
});

test("each mistake has its exit code, its error code and the next step", async () => {
  const bob = await keyOf("bob");
  const cases: readonly (readonly [
    args: readonly string[],
    env: Record<string, string>,
    code: number,
    says: RegExp,
  ])[] = [
    [["snd"], {}, 2, /E048_USAGE.*did you mean send/],
    [["send", bob], {}, 2, /E048_USAGE usage: qpq send KEY TEXT/],
    [["health", "--sever", "x"], {}, 2, /E048_USAGE.*--sever/],
    [["health"], { QPQ_CA_CERT: "" }, 2, /E048_USAGE.*--ca-cert/],
    [["health"], { QPQ_CA_CERT: join(folder, "absent") }, 2, /E048_USAGE.*ENOENT/],
    [["health"], { QPQ_SERVER: "nowhere" }, 2, /E048_USAGE.*HOST:PORT/],
    [["health", "--timeout-ms", "300"], { QPQ_SERVER: "127.0.0.1:1" }, 3, /E040_CONNECT_FAILED/],
    [["health", "--server-name", "example.org"], {}, 4, /E041_CERTIFICATE/],
    [["recv"], { QPQ_AUTH_TOKEN: "" }, 4, /E003_UNAUTHENTICATED.*QPQ_AUTH_TOKEN/],
    [["recv"], { QPQ_AUTH_TOKEN: "wrong" }, 4, /E004_BAD_TOKEN/],
    [["send", "abcd", "hi"], {}, 1, /E007_KEY_LENGTH.*qpq whoami/],
    [["send", "00".repeat(32), "hi"], {}, 1, /E015_HYBRID_KEY.*qpq recv/],
  ];
  for (const [args, env, code, says] of cases) {
    const run = await qpq("bob", args, { env });
    assert.match(run.err, says, args.join(" "));
    assert.equal(run.code, code, `${args.join(" ")}: ${run.err}`);
    assert.equal(run.out, "");
  }
});

test("another server's certificate is refused", async () => {
  await using other = await startServerProcess({ settings: { "log-level": "warn" } });
  const run = await qpq("alice", ["health"], { env: { QPQ_CA_CERT: other.certificateFile } });
  assert.equal(run.code, 4);
  assert.match(run.err, /E041_CERTIFICATE/);
});

test("a state file that others can read is refused with the command that mends it; a password encrypts it", async () => {
  await keyOf("careless");
  chmodSync(join(folder, "careless.bin"), 0o644);
  const run = await qpq("careless", ["whoami"]);
  assert.equal(run.code, 1);
  assert.match(run.err, /E044_STATE_FILE.*chmod 600/);
  const env = { QPQ_STATE_PASSWORD: "correct horse" };
  const made = await qpq("careful", ["whoami"], { env });
  assert.equal((await qpq("careful", ["whoami"], { env })).out, made.out);
  const wrong = await qpq("careful", ["whoami"], { env: { QPQ_STATE_PASSWORD: "battery staple" } });
  assert.equal(wrong.code, 4);
  assert.match(wrong.err, /E045_WRONG_PASSWORD/);
});

test("what somebody puts into the inbox that is no message for me is told, and does not stop the rest", async () => {
  const [alice, bob] = [await keyOf("alice"), await keyOf("strict-bob")];
  await qpq("strict-bob", ["recv"]);
  await qpq("alice", ["send", bob, "before"]);
  // sealed for Alice, then put into Bob's inbox: what a hostile server or token holder can do
  await putIntoInbox(Buffer.from(bob, "hex"), new Uint8Array(2_000).fill(1));
  await qpq("alice", ["send", bob, "after"]);
  const got = lines(await qpq("strict-bob", ["recv", "--json"]));
  assert.deepEqual(
    got.map(({ kind }) => kind),
    ["message", "refused", "message"],
  );
  assert.equal(got[2]?.["sender"], alice);
});

async function putIntoInbox(recipientKey: Uint8Array, payload: Uint8Array): Promise<void> {
  using client = await NodeClient.connect({
    host: "127.0.0.1",
    port: server.port,
    serverName: "localhost",
    caCertificate: server.certificate,
  });
  const empty = new Uint8Array();
  const auth = { version: 1, accessToken: Buffer.from(server.token), deviceId: empty };
  await client.call("enqueue", {
    recipientKey,
    payload,
    channelId: empty,
    version: 1,
    auth,
    ttlSecs: 0,
    idempotencyKey: empty,
  });
}

test("--help shows examples, commands and flags; --version a version", async () => {
  const help = await qpq("alice", ["--help"]);
  assert.equal(help.code, 0);
  for (const word of ["qpq whoami", "send KEY TEXT|-", "--ca-cert", "QPQ_AUTH_TOKEN", "Exit codes"])
    assert.ok(help.out.includes(word), word);
  assert.match((await qpq("alice", ["--version"])).out, /^qpq \d+\.\d+\.\d+\n$/);
});

test("no secret is taken as a flag", async () => {
  writeFileSync(join(folder, "token"), `${server.token}\n`);
  const flag = await qpq("bob", ["recv", "--auth-token", server.token]);
  assert.equal(flag.code, 2);
  assert.ok(!flag.err.includes(server.token));
  const file = await qpq("bob", ["recv"], { env: { QPQ_AUTH_TOKEN: "", QPQ_AUTH_TOKEN_FILE: join(folder, "token") } });
  assert.equal(file.code, 0, file.err);
});
