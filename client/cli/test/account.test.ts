/** User names, passwords and sessions of qpq: real processes against a real server, without its static token. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { Named, password } from "./named.ts";
import { environmentOf, program } from "./run-qpq.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-cli-account-"));
let server: ServerProcess;
let people: Named;
before(async () => {
  server = await startServerProcess({ settings: { "log-level": "warn", "login-attempts-per-minute": 1_000 } });
  people = new Named(server, folder);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("register-user says the next command, login takes the name in any form, and both tell it as JSON", async () => {
  const registered = await people.ok("alice", ["register-user", "Alice"]);
  assert.match(registered.out, /^alice is registered; next: qpq login alice\n$/);
  const loggedIn = await people.ok("alice", ["login", "ALICE", "--json"]);
  assert.deepEqual(JSON.parse(loggedIn.out), { username: "alice" });
  await people.ok("alice", ["recv"]);
});

test("without a session what needs one is refused with the command that gives one", async () => {
  await people.refused("nobody", ["recv"], /E003_UNAUTHENTICATED.*next: qpq login NAME/);
  await people.refused("nobody", ["logout"], /E003_UNAUTHENTICATED/);
  await people.refused("nobody", ["passwd"], /E003_UNAUTHENTICATED/);
  assert.match((await people.qpq("nobody", ["login"])).err, /E048_USAGE usage: qpq login NAME/);
});

test("after a logout everything is refused until the next login, which need not be told the name", async () => {
  await people.arrived("bob");
  await people.ok("bob", ["recv"]);
  assert.equal((await people.ok("bob", ["logout"])).out, "logged out\n");
  await people.refused("bob", ["recv"], /E003_UNAUTHENTICATED.*next: qpq login bob/);
  await people.ok("bob", ["login"]);
  await people.ok("bob", ["recv"]);
});

test("the first connection after a logout is not known again by the server", async () => {
  await people.arrived("carol");
  assert.match((await people.ok("carol", ["recv", "--verbose"])).err, /QUIC version 1, resumed/);
  await people.ok("carol", ["logout"]);
  assert.match((await people.qpq("carol", ["login", "--verbose"])).err, /QUIC version 1, full handshake/);
});

test("a wrong password, a name that nobody has and another's name are refused; a taken name is told", async () => {
  await people.arrived("dave");
  const wrong = { env: { QPQ_PASSWORD: "battery staple" } };
  await people.refused("dave", ["login", "dave"], /E064_LOGIN_REFUSED.*next: qpq login/, wrong);
  await people.refused("dave", ["login", "absent"], /E064_LOGIN_REFUSED/);
  await people.refused("other", ["login", "dave"], /E006_FORBIDDEN.*qpq devices add [0-9a-f]{64}\n/);
  const taken = await people.qpq("other", ["register-user", "Dave"]);
  assert.equal(taken.code, 1);
  assert.match(taken.err, /E066_USERNAME_TAKEN/);
  assert.match((await people.qpq("other", ["register-user", "two words"])).err, /E065_USERNAME/);
  assert.match(
    (await people.qpq("other", ["register-user", "short"], { env: { QPQ_PASSWORD: "1234567" } })).err,
    /E001.*8/,
  );
});

test("passwd ends the other sessions, keeps this one, and the old password is refused", async () => {
  await people.arrived("erin");
  const file = join(folder, "new-password");
  writeFileSync(file, "another horse\n");
  const given = { env: { QPQ_PASSWORD: "", QPQ_PASSWORD_FILE: file } };
  await people.ok("erin", ["passwd"], given);
  await people.ok("erin", ["recv"]);
  await people.refused("erin", ["login"], /E064_LOGIN_REFUSED/);
  await people.ok("erin", ["login"], given);
});

test("another server's certificate, or a server that lost the account, gets no login", async () => {
  await people.arrived("frank");
  await using other = await startServerProcess({ settings: { "log-level": "warn" } });
  await people.refused("frank", ["login"], /E041_CERTIFICATE/, { env: { QPQ_CA_CERT: other.certificateFile } });
  const there = { env: { QPQ_CA_CERT: other.certificateFile, QPQ_SERVER: `127.0.0.1:${other.port}` } };
  await people.refused("frank", ["login", "frank"], /E064_LOGIN_REFUSED/, there);
  await people.refused("frank", ["recv"], /E003_UNAUTHENTICATED/, there);
  await people.ok("frank", ["recv"]);
});

test("a password is asked for at the terminal, which does not show it; without one qpq says what to set", async () => {
  const typed = await atTerminal("grace", ["register-user", "grace"], ["s3cret phrase", "s3cret phrase"]);
  assert.match(typed, /grace is registered/);
  assert.doesNotMatch(typed, /s3cret/);
  const different = await atTerminal("grace", ["passwd"], ["s3cret phrase", "another"]);
  assert.match(different, /E048_USAGE the two passwords differ/);
  await people.ok("grace", ["login", "grace"], { env: { QPQ_PASSWORD: "s3cret phrase" } });
  const none = await people.qpq("grace", ["login", "grace"], { env: { QPQ_PASSWORD: "" } });
  assert.equal(none.code, 2);
  assert.match(none.err, /E048_USAGE.*QPQ_PASSWORD_FILE/);
});

test("a password is no flag", async () => {
  const run = await people.qpq("alice", ["login", "alice", "--password", password]);
  assert.equal(run.code, 2);
  assert.ok(!run.err.includes(password));
});

/** What a terminal shows of a run of qpq in which each question is answered by one of `lines`. */
async function atTerminal(who: string, args: readonly string[], lines: readonly string[]): Promise<string> {
  const command = [process.execPath, program, ...args].map((word) => `'${word}'`).join(" ");
  const env = { ...environmentOf({ server, folder, who }), QPQ_AUTH_TOKEN: "" };
  const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], { env });
  let shown = "";
  let answered = 0;
  terminal.stdout.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
    // raw mode is on before the question is asked
    const asked = shown.match(/(?:password for \S+|the same again): /g)?.length ?? 0;
    for (; answered < asked; answered++) terminal.stdin.write(`${lines[answered] ?? ""}\r`);
  });
  await new Promise((resolve) => terminal.on("close", resolve));
  return shown;
}
