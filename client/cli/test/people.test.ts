/** Users, their devices, and whom they don't want to hear: qpq by names, against a real server. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { Named, objectsIn } from "./named.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-cli-people-"));
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

test("two users talk by their names, and the first time each is told what proves the other's key", async () => {
  const [alice, bob] = [await people.arrived("alice"), await people.arrived("bob")];
  const first = await people.ok("alice", ["send", "bob", "hello"]);
  assert.match(first.err, new RegExp(`bob is ${bob}: so far only the server says so; compare: qpq check-key @bob`));
  assert.equal((await people.ok("alice", ["send", "@Bob", "again"])).err, "");
  assert.deepEqual(await people.texts("bob"), ["hello", "again"]);
  await people.ok("bob", ["send", "alice", "and back"]);
  assert.deepEqual(await people.texts("alice"), ["and back"]);
  for (const who of ["alice", "bob"]) assert.equal(objectsIn(await people.ok(who, ["list", "--json"])).length, 1, who);
  const digits = [
    (await people.ok("alice", ["check-key", "bob"])).out,
    (await people.ok("bob", ["check-key", alice])).out,
  ];
  assert.match(digits[0] as string, /^(\d{5} ){11}\d{5}\n$/);
  assert.equal(digits[0], digits[1]);
});

test("a name has one key: resolve says it, a name that nobody has is told, and no group takes a user's place", async () => {
  const carol = await people.arrived("carol");
  assert.equal((await people.ok("alice", ["resolve", "Carol"])).out, `${carol}\n`);
  const nobody = await people.qpq("alice", ["resolve", "absent"]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /E075_ACCOUNT_NOT_FOUND/);
  assert.match(
    (await people.qpq("alice", ["send", "absent", "hi"])).err,
    /E052_CONVERSATION_UNKNOWN no conversation and no/,
  );
  await people.ok("bob", ["create-group", "carol"]);
  await people.ok("bob", ["invite", "carol", "alice"]);
  await people.ok("alice", ["join"]);
  assert.match((await people.qpq("alice", ["send", "carol", "for whom?"])).err, /E052.*next: @carol/);
  await people.ok("alice", ["send", "@carol", "for her"]);
  assert.deepEqual(await people.texts("carol"), ["for her"]);
  assert.deepEqual(await people.texts("bob"), []);
});

test("a group that is called as a key is not written to by that key", async () => {
  const dora = await people.arrived("dora");
  const [group] = objectsIn(await people.ok("bob", ["create-group", dora, "--json"]));
  await people.ok("bob", ["invite", String(group?.["conversation"]), "alice"]);
  await people.ok("alice", ["join"]);
  await people.ok("alice", ["send", dora, "for her"]);
  assert.deepEqual(await people.texts("dora"), ["for her"]);
});

test("what others write and how they call groups moves nothing on the terminal, and passes for nobody's line or name", async () => {
  await people.arrived("grace");
  await people.ok("bob", ["send", "grace", "red \u001b[31malert\u0007\u202eevil\nalice: pay bob"]);
  const { out } = await people.ok("grace", ["recv"]);
  assert.match(out, /red \ufffd\[31malert\ufffd\ufffdevil\n {4}alice: pay bob\n/);
  await people.ok("bob", ["create-group", "@alice"]);
  await people.ok("bob", ["invite", "@alice", "grace"]);
  await people.ok("grace", ["join"]);
  assert.match((await people.ok("grace", ["list"])).out, /"@alice"/);
});

test("who is blocked is refused with exit code 4 until they are not; others come through", async () => {
  await people.arrived("erin");
  await people.arrived("mallory");
  await people.ok("mallory", ["send", "erin", "before"]);
  await people.ok("erin", ["block", "mallory"]);
  await people.refused("mallory", ["send", "erin", "meanwhile"], /E069_BLOCKED/);
  await people.ok("alice", ["send", "erin", "from a friend"]);
  assert.deepEqual(await people.texts("erin"), ["before", "from a friend"]);
  assert.match((await people.ok("mallory", ["history", "@erin"])).out, /meanwhile \(failed\)/);
  await people.ok("erin", ["unblock", "mallory"]);
  await people.ok("mallory", ["send", "erin", "after"]);
  assert.deepEqual(await people.texts("erin"), ["after"]);
});

test("a device logs in with a key of its own once the account's key has added it, and no more once it is revoked", async () => {
  const frank = await people.arrived("frank");
  const phone = await people.keyOf("phone");
  await people.refused("phone", ["login", "frank"], new RegExp(`E006_FORBIDDEN.*qpq devices add ${phone}`));
  await people.ok("frank", ["devices", "add", phone, "phone"]);
  await people.ok("phone", ["login", "frank"]);
  for (const who of ["frank", "phone"]) {
    const listed = objectsIn(await people.ok(who, ["devices", "list", "--json"]));
    assert.deepEqual(
      listed.map(({ deviceKey }) => deviceKey),
      [frank, phone],
      who,
    );
    assert.equal(listed[1]?.["deviceName"], "phone");
  }
  await people.ok("alice", ["send", phone, "to the phone alone"]);
  assert.deepEqual(await people.texts("phone"), ["to the phone alone"]);
  assert.deepEqual(await people.texts("frank"), []);
  await people.refused("phone", ["devices", "add", "ab".repeat(32)], /E006_FORBIDDEN/);
  await people.refused("phone", ["block", "alice"], /E006_FORBIDDEN/);
  await people.refused("phone", ["passwd"], /E006_FORBIDDEN.*where you registered/);
  await people.ok("frank", ["devices", "revoke", "phone"]);
  await people.refused("phone", ["login", "frank"], /E006_FORBIDDEN/);
  await people.refused("phone", ["recv"], /E005_SESSION_EXPIRED.*next: qpq login frank/);
  assert.match((await people.qpq("frank", ["devices", "revoke", "phone"])).err, /E030_DEVICE_NOT_FOUND/);
  assert.match((await people.qpq("frank", ["devices", "add"])).err, /E048_USAGE usage: qpq devices list/);
});

test("the static token has no account: what needs one is refused with the command that gives one", async () => {
  const env = { QPQ_AUTH_TOKEN: server.token };
  await people.refused("someone", ["block", "alice"], /E006_FORBIDDEN.*log in/, { env });
  await people.ok("someone", ["send", "alice", "by the operator's leave"], { env });
  assert.deepEqual(await people.texts("alice"), ["by the operator's leave"]);
});
