/** What a real server's audit log tells of people who come and of people who are kept out, and what it does not tell. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { TestLogin } from "../../testing/opaque-client.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { runCommand } from "../cluster/run-command.ts";
import { page } from "../workers/rig.ts";
import { codeOf } from "./code-of.ts";
import { login, newPerson, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-audit-"));
after(() => rmSync(folder, { recursive: true }));

type Line = Readonly<Record<string, unknown>>;

function auditLines(text: string): Line[] {
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Line).filter(({ stream }) => stream === "audit");
}

/** `event code user`: who is told of as what. The ids of names are those that `users list` shows. */
async function told(server: ServerProcess, text: string): Promise<string[]> {
  const { words } = await runCommand(["users", "list", "--json", "--data-dir", server.dataDir]);
  const { users } = JSON.parse(words) as { users: { username: string; auditId: string }[] };
  const names = new Map(users.map(({ username, auditId }) => [auditId, username]));
  return auditLines(text)
    .filter(({ event }) => !String(event).startsWith("server_"))
    .map(({ event, code = "", user = "", limit = "" }) =>
      [event, code, limit, user === "" ? "" : (names.get(String(user)) ?? "nobody")]
        .filter((word) => word !== "")
        .join(" "),
    );
}

test("registrations, logins, failures and limits each leave a line with the user's id and network", async () => {
  await using server = await startServerProcess({
    settings: { "login-attempts-per-minute": 5, "log-level": "silent" },
  });
  using client = await RawClient.connect(server, { token: "" });
  const alice = newPerson("alice");
  const mallory = newPerson("mallory");
  await register(client, alice);
  await register(client, mallory);
  const token = await login(client, alice);
  // the right password, and another's identity
  assert.equal(await codeOf(login(client, { ...alice, identity: mallory.identity })), "E006_FORBIDDEN");
  assert.equal(await codeOf(register(client, { ...mallory, username: "alice" })), "E066_USERNAME_TAKEN");
  await register(client, alice);
  const { request } = new TestLogin("wrong");
  const guess = () => client.call("opaqueLoginStart", { username: "Carol", request });
  while ((await codeOf(guess())) === "accepted");
  using atAlice = await RawClient.connect(server, { token });
  assert.equal(
    await codeOf(atAlice.call("peek", { recipientKey: alice.identity.identityKey })),
    "E005_SESSION_EXPIRED",
  );
  assert.deepEqual(await told(server, server.log()), [
    "registered alice",
    "registered mallory",
    "login alice",
    "login_failed E006_FORBIDDEN alice",
    "registration_failed E066_USERNAME_TAKEN alice",
    "password_changed alice",
    "limited E018_RATE_LIMIT loginAttemptsPerMinute nobody",
    "refused E005_SESSION_EXPIRED",
  ]);
  const networks = auditLines(server.log()).flatMap(({ network }) => network ?? []);
  assert.deepEqual(new Set(networks), new Set(["127.0.0.0/24"]));
});

test("neither name, password, key, token nor address stands in it, nor in the pages beside it", async () => {
  await using server = await startServerProcess();
  using client = await RawClient.connect(server, { token: "" });
  const eve = newPerson("canary-eve", "canary-password");
  await register(client, eve);
  const token = await login(client, eve);
  await codeOf(login(client, { ...eve, identity: newPerson("").identity }));
  await runCommand(["users", "disable", "canary-eve", "--data-dir", server.dataDir]);
  const text = server.log() + (await page(server, "/metrics")).text;
  assert.ok(auditLines(text).length >= 4);
  const setup = readFileSync(join(server.dataDir, "opaque-setup"), "utf8").trim();
  for (const secret of ["canary", setup, server.token, "127.0.0.1"]) assert.ok(!text.includes(secret), secret);
  for (const bytes of [token, eve.identity.identityKey]) {
    for (const form of ["hex", "base64", "base64url", "latin1"] as const) {
      assert.ok(!text.includes(Buffer.from(bytes).toString(form)), form);
    }
  }
});

test("with --audit-file all processes and the users command write there, and the log has none of it", async () => {
  const auditFile = join(folder, "audit.log");
  await using server = await startServerProcess({ settings: { workers: 2, "audit-file": auditFile } });
  for (let n = 0; n < 6; n++) {
    // the kernel gives each connection to some worker
    using client = await RawClient.connect(server, { token: "" });
    await register(client, newPerson(`user-${n}`));
  }
  const flags = ["--data-dir", server.dataDir, "--audit-file", auditFile];
  assert.equal((await runCommand(["users", "revoke", "user-1", ...flags])).errors, "");
  await server.kill("SIGTERM");
  const lines = auditLines(readFileSync(auditFile, "utf8"));
  const count = (name: string): number => lines.filter(({ event }) => event === name).length;
  const names = ["server_started", "registered", "user_tokens_revoked", "server_stopping"];
  assert.deepEqual(names.map(count), [1, 6, 1, 1]);
  assert.equal(auditLines(server.log()).length, 0);
  for (const { event, worker } of lines) assert.equal(worker !== undefined, /^registered|^user/.test(String(event)));
});

test("a flood of refused logins is 60 lines, and one with the count of the others when the server stops", async () => {
  await using server = await startServerProcess({
    settings: { "login-address-attempts-per-minute": 1_000_000, "login-attempts-per-minute": 1_000_000 },
  });
  using client = await RawClient.connect(server, { token: "" });
  const { identityKey } = newPerson("").identity;
  const empty = new Uint8Array(64);
  const bad = { username: "frank", loginId: empty, finalization: empty, identityKey, identityProof: empty };
  for (let round = 0; round < 20; round++) {
    const calls = Array.from({ length: 50 }, () => codeOf(client.call("opaqueLoginFinish", bad)));
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(["E064_LOGIN_REFUSED"]));
  }
  await server.kill("SIGTERM");
  const lines = auditLines(server.log()).filter(({ event }) => event === "login_failed");
  const suppressed = lines.reduce((sum, line) => sum + Number(line["suppressed"] ?? 0), 0);
  const written = lines.filter((line) => line["suppressed"] === undefined).length;
  assert.equal(written + suppressed, 1_000);
  // a minute may have ended meanwhile
  assert.ok(written >= 60 && written <= 120, String(written));
});
