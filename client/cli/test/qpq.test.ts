/** qpq as people and scripts use it: real processes against a real server. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { NodeClient } from "quicproquo-sdk";
import { type Run, runQpq, type Setting } from "./run-qpq.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-cli-"));
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({ settings: { "log-level": "warn" } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** `who` names the state file. */
function qpq(who: string, args: readonly string[], setting?: Setting): Promise<Run> {
  return runQpq({ server, folder, who }, args, setting);
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

async function registered(who: string): Promise<string> {
  const run = await qpq(who, ["register-state"]);
  assert.equal(run.code, 0, run.err);
  return await keyOf(who);
}

const isChat = (line: Record<string, unknown>): boolean =>
  (line["message"] as { type?: string } | undefined)?.type === "chat";
const texts = (run: Run): unknown[] =>
  lines(run)
    .filter(isChat)
    .map(({ text }) => text);

test("a conversation: begin, invite, join, talk both ways, each message printed once", async () => {
  const [alice, bob] = [await registered("alice"), await registered("bob")];
  assert.equal((await qpq("alice", ["create-group", "climbing"])).code, 0);
  const invited = await qpq("alice", ["invite", "climbing", bob]);
  assert.equal(invited.code, 0, invited.err);
  assert.deepEqual(
    lines(await qpq("bob", ["join", "--json"])).map(({ kind }) => kind),
    ["joined", "message"],
  );
  const sent = await qpq("alice", ["send", "climbing", "-"], { stdin: "one\ntwo, with ünïcödé 🙂\nthree\n" });
  assert.equal(sent.code, 0, sent.err);
  const got = await qpq("bob", ["recv", "--json"]);
  assert.deepEqual(texts(got), ["one", "two, with ünïcödé 🙂", "three"]);
  assert.ok(lines(got).every(({ sender }) => sender === alice));
  const again = await qpq("bob", ["recv", "--json"]);
  assert.equal(again.out, "");
  assert.match(again.err, /nothing new/);
  await qpq("bob", ["send", "climbing", "and back"]);
  assert.deepEqual(texts(await qpq("alice", ["recv", "--json"])), ["and back"]);
});

test("list, members, history and check-key tell the same to both", async () => {
  const [alice, bob] = [await keyOf("alice"), await keyOf("bob")];
  for (const who of ["alice", "bob"]) {
    const members = lines(await qpq(who, ["members", "climbing", "--json"])).map(({ member }) => member);
    assert.deepEqual(members.toSorted(), [alice, bob].toSorted());
    const [entry] = lines(await qpq(who, ["list", "--json"]));
    assert.equal(entry?.["name"], "climbing");
    assert.deepEqual(texts(await qpq(who, ["history", "climbing", "--json"])), [
      "one",
      "two, with ünïcödé 🙂",
      "three",
      "and back",
    ]);
  }
  const codes = await Promise.all(["alice", "bob"].map(async (who) => (await qpq(who, ["check-key", "climbing"])).out));
  assert.equal(codes[0], codes[1]);
  const digits = [(await qpq("alice", ["check-key", bob])).out, (await qpq("bob", ["check-key", alice])).out];
  assert.match(digits[0] as string, /^(\d{5} ){11}\d{5}\n$/);
  assert.equal(digits[0], digits[1]);
});

test("sending to a key begins a conversation of two, and the next message goes on in it", async () => {
  const carol = await registered("carol");
  for (const text of ["hello", "again"]) assert.equal((await qpq("alice", ["send", carol, text])).code, 0);
  assert.deepEqual(texts(await qpq("carol", ["recv", "--json"])), ["hello", "again"]);
  assert.equal(lines(await qpq("carol", ["list", "--json"])).length, 1);
});

test("who is removed cannot read on and is told; who leaves is out when the others come by; update goes on", async () => {
  const [bob, dora] = [await keyOf("bob"), await registered("dora")];
  await qpq("alice", ["invite", "climbing", dora]);
  await qpq("dora", ["join"]);
  assert.equal((await qpq("alice", ["remove", "climbing", bob])).code, 0);
  await qpq("alice", ["send", "climbing", "without Bob"]);
  const seen = lines(await qpq("bob", ["recv", "--json"]));
  assert.deepEqual(seen.filter(isChat), []);
  assert.ok(seen.some(({ kind }) => kind === "left"));
  const refused = await qpq("bob", ["send", "climbing", "still here"]);
  assert.match(refused.err, /E053_CONVERSATION_ENDED/);
  assert.equal((await qpq("dora", ["update", "climbing"])).code, 0);
  await qpq("dora", ["send", "climbing", "with new keys"]);
  assert.deepEqual(texts(await qpq("alice", ["recv", "--json"])), ["with new keys"]);
  assert.equal((await qpq("dora", ["leave", "climbing"])).code, 0);
  await qpq("alice", ["recv"]);
  assert.equal(lines(await qpq("alice", ["members", "climbing", "--json"])).length, 1);
  assert.ok(lines(await qpq("dora", ["recv", "--json"])).some(({ kind }) => kind === "left"));
});

test("recv --count waits for messages that come later", async () => {
  const late = await registered("late");
  const waiting = qpq("late", ["recv", "--count", "2", "--json"]);
  await qpq("alice", ["send", late, "first"]);
  await qpq("alice", ["send", late, "second"]);
  assert.deepEqual(texts(await waiting), ["first", "second"]);
});

test("with --hybrid what leaves is wrapped, and the reader need not know", async () => {
  const eve = await registered("eve");
  const sent = await qpq("alice", ["send", eve, "wrapped", "--hybrid", "--verbose", "--json"]);
  const layers = sent.err.split("\n").find((line) => line.includes('"layers"')) as string;
  const messages = (JSON.parse(layers) as { sent: { message: string; wrapped: boolean }[] }).sent;
  assert.ok(messages.length > 0 && messages.every(({ wrapped }) => wrapped), layers);
  assert.deepEqual(texts(await qpq("eve", ["recv", "--json"])), ["wrapped"]);
});

test("two qpq on one state at once: the second is told who has it", async () => {
  let waiting: Promise<Run>;
  let isOver = false;
  const wait = (): void => {
    isOver = false;
    waiting = qpq("late", ["recv", "--count", "1"]);
    void waiting.then(() => {
      isOver = true;
    });
  };
  wait();
  let second: Run;
  do {
    second = await qpq("late", ["list"]);
    if (isOver) wait(); // it was the second one
  } while (second.code === 0);
  assert.match(second.err, /E036_STORE_LOCKED/);
  await qpq("alice", ["send", await keyOf("late"), "done"]);
  assert.equal((await waiting!).code, 0);
});

test("demo-group runs through", async () => {
  const run = await qpq("nobody", ["demo-group"]);
  assert.equal(run.code, 0, run.err);
  assert.match(run.out, /Bob read: .*\nAlice read: /);
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
    [["snd"], {}, 2, /E048_USAGE.*[Dd]id you mean send/],
    [["send", bob], {}, 2, /E048_USAGE usage: qpq send GROUP\|KEY\|NAME TEXT/],
    [["health", "--sever", "x"], {}, 2, /E048_USAGE.*--sever.*did you mean --server/],
    [["health"], { QPQ_CA_CERT: "" }, 2, /E048_USAGE.*--ca-cert/],
    [["health"], { QPQ_CA_CERT: join(folder, "absent") }, 2, /E048_USAGE.*ENOENT/],
    [["health"], { QPQ_SERVER: "nowhere" }, 2, /E048_USAGE.*HOST:PORT/],
    [["health", "--timeout-ms", "300"], { QPQ_SERVER: "127.0.0.1:1" }, 3, /E040_CONNECT_FAILED/],
    [["health", "--server-name", "example.org"], {}, 4, /E041_CERTIFICATE/],
    [["recv"], { QPQ_AUTH_TOKEN: "" }, 4, /E003_UNAUTHENTICATED.*QPQ_AUTH_TOKEN/],
    [["recv"], { QPQ_AUTH_TOKEN: "wrong" }, 4, /E004_BAD_TOKEN/],
    [["send", "nowhere", "hi"], {}, 1, /E052_CONVERSATION_UNKNOWN/],
    [["invite", "climbing", "abcd"], {}, 1, /E075_ACCOUNT_NOT_FOUND/],
    [["send", "00".repeat(32), "hi"], {}, 1, /E051_NO_KEY_PACKAGE/],
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
  const strict = await registered("strict");
  await qpq("alice", ["send", strict, "before"]);
  // a hostile server or a token holder can do that
  await putIntoInbox(Buffer.from(strict, "hex"), new Uint8Array(2_000).fill(1));
  await qpq("alice", ["send", strict, "after"]);
  const got = lines(await qpq("strict", ["recv", "--json"]));
  assert.deepEqual(
    got.filter(({ kind }) => kind === "message" || kind === "refused").map(({ kind }) => kind),
    ["message", "refused", "message"],
  );
});

async function putIntoInbox(recipientKey: Uint8Array, payload: Uint8Array): Promise<void> {
  using client = await NodeClient.connect({
    host: "127.0.0.1",
    port: server.port,
    serverName: "localhost",
    trust: { caCertificate: server.certificate },
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
  for (const word of [
    "qpq register-user alice",
    "whoami",
    "send GROUP|KEY|NAME TEXT|-",
    "--ca-cert",
    "QPQ_AUTH_TOKEN",
    "Exit codes",
  ])
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
