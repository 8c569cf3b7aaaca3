/** Accounts as a client has them: names, passwords, tokens on the disk and in time; on a real server process. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ErrorCode, protocolVersion, QpqError, stretchingProfiles } from "quicproquo-proto";
import { Account, type ReconnectingClient } from "quicproquo-sdk";
import { startServerProcess } from "quicproquo-server/testing";
import { OpaqueThread } from "../src/account/opaque-thread.ts";
import { logIn } from "../src/account/password-login.ts";
import { addressOf } from "./person.ts";
import { bodiesOf, chat } from "./rig.ts";
import { password, User } from "./user.ts";

const server = await startServerProcess({ settings: { "login-attempts-per-minute": 1_000, "log-level": "warn" } });
after(() => server[Symbol.asyncDispose]());

const hourMs = 3_600_000;

function fails(work: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, (error: unknown) => error instanceof QpqError && error.code === code);
}

/** What the server says to a call with this token. */
async function codeOf({ client, state }: User, accessToken: Uint8Array): Promise<string> {
  const none = new Uint8Array();
  const auth = { version: protocolVersion, accessToken, deviceId: none };
  const inbox = { recipientKey: state.identity.identityKey, channelId: none, version: protocolVersion, auth };
  return await client.call("peek", { ...inbox, limit: 1, after: 0n, storeEpoch: 0n }).then(
    () => "accepted",
    (error: QpqError) => error.code,
  );
}

test("two who have registered and logged in talk with their session tokens", async () => {
  await using alice = await User.arrive(server, "alice");
  await using bob = await User.arrive(server, "bob");
  const [atAlice, atBob] = [await alice.chat(), await bob.chat()];
  await atBob.publishKeys();
  const id = await atAlice.createGroup();
  await atAlice.invite(id, bob.state.identity.identityKey);
  await atAlice.send(id, chat("hello"));
  const events = [];
  for await (const event of atBob.sync()) events.push(event);
  assert.deepEqual(bodiesOf(events), ["hello"]);
});

test("the token outlives the process that logged in, and stands nowhere in clear on the disk", async () => {
  await using user = await User.arrive(server, "carol");
  const token = await user.account.accessToken();
  const { client, records, state } = user;
  const parts = { client, records, identity: state.identity, clock: Date.now };
  const again = await Account.open({ server: addressOf(server), ...parts });
  assert.equal(again.username, "carol");
  assert.deepEqual(await again.accessToken(), token);
  const elsewhere = await Account.open({ server: { ...addressOf(server), port: 1 }, ...parts });
  assert.equal(elsewhere.isLoggedIn, false, "a token goes to no other server");
  const disk = user.filesOnDisk();
  assert.ok(disk.length > 4_096);
  for (const form of ["latin1", "hex", "base64", "base64url"] as const) {
    assert.ok(!disk.toString("latin1").includes(Buffer.from(token).toString(form)), form);
  }
});

test("a wrong password and a name that nobody has are refused alike, before the server hears of the outcome", async () => {
  await using user = await User.arrive(server, "dave");
  user.calls.length = 0;
  await fails(() => user.account.logIn({ username: "dave", password: "battery staple" }), "E064_LOGIN_REFUSED");
  await fails(() => user.account.logIn({ username: "nobody", password }), "E064_LOGIN_REFUSED");
  assert.deepEqual(user.calls, ["opaqueLoginStart", "opaqueLoginStart"]);
  assert.ok(user.account.isLoggedIn, "the session of before goes on");
});

test("a password has one form however it was typed, and a new one at least eight characters", async () => {
  await using user = await User.open(server);
  await user.account.register({ username: "Élodie", password: "mot de pass\u00e9" });
  await user.account.logIn({ username: "E\u0301LODIE", password: "mot\u00a0de passe\u0301" });
  assert.equal(user.account.username, "élodie");
  await fails(() => user.account.setPassword("1234567"), "E001_BAD_REQUEST");
  await fails(() => user.account.logIn({ username: "élodie", password: "" }), "E001_BAD_REQUEST");
});

test("a name is the identity's that registered it first, and an identity has one name", async () => {
  await using user = await User.arrive(server, "erin");
  await using other = await User.open(server);
  await fails(() => other.account.register({ username: "Erin", password }), "E066_USERNAME_TAKEN");
  await fails(() => other.account.logIn({ username: "erin", password }), "E006_FORBIDDEN");
  await fails(() => user.account.register({ username: "erin2", password }), "E067_IDENTITY_TAKEN");
  assert.equal(await codeOf(user, await user.account.accessToken()), "accepted");
});

test("a token is renewed once half its life is over; the one before it stays good, the one before that does not", async () => {
  let aheadMs = 0;
  await using user = await User.arrive(server, "frank", () => Date.now() + aheadMs);
  const tokens = [await user.account.accessToken()];
  aheadMs = 11 * hourMs;
  assert.deepEqual(await user.account.accessToken(), tokens[0]);
  for (aheadMs of [13 * hourMs, 19 * hourMs]) {
    // many callers at once renew it once
    const [token, same] = await Promise.all([user.account.accessToken(), user.account.accessToken()]);
    assert.deepEqual(token, same);
    tokens.push(token);
  }
  assert.equal(new Set(tokens.map((token) => token.toHex())).size, 3);
  assert.equal(user.calls.filter((name) => name === "renewToken").length, 2);
  const codes = [];
  for (const token of tokens) codes.push(await codeOf(user, token));
  assert.deepEqual(codes, ["E005_SESSION_EXPIRED", "accepted", "accepted"]);
  await user.account.logOut();
  for (const token of tokens) assert.equal(await codeOf(user, token), "E005_SESSION_EXPIRED");
});

test("while the server cannot be reached for a renewal the old token goes on", async () => {
  let aheadMs = 0;
  await using user = await User.arrive(server, "grace", () => Date.now() + aheadMs);
  const token = await user.account.accessToken();
  aheadMs = 13 * hourMs;
  user.client.close();
  assert.deepEqual(await user.account.accessToken(), token);
});

test("after a logout nothing of the session is left: no token, no resumption; the server refuses what there was", async () => {
  await using user = await User.arrive(server, "heidi");
  const token = await user.account.accessToken();
  assert.equal((await user.records.list("session")).length, 1);
  await user.account.logOut();
  assert.equal(user.account.isLoggedIn, false);
  await fails(async () => await user.account.accessToken(), "E003_UNAUTHENTICATED");
  await fails(() => user.account.logOut(), "E003_UNAUTHENTICATED");
  assert.deepEqual(await user.records.list("session"), []);
  assert.equal(await codeOf(user, token), "E005_SESSION_EXPIRED");
  assert.equal(user.client.current?.info.resumed, false);
});

test("where the server cannot be told of a logout it is one all the same, and the caller knows", async () => {
  await using user = await User.arrive(server, "nina");
  user.client.close();
  await fails(() => user.account.logOut(), "E042_CONNECTION_LOST");
  assert.equal(user.account.isLoggedIn, false);
  assert.deepEqual(await user.records.list("session"), []);
});

test("a revoked session is E005 until somebody logs in again; a logout of all ends the others too", async () => {
  await using here = await User.arrive(server, "ivan");
  await using there = await User.open(server, { state: here.state });
  await there.account.logIn({ username: "ivan", password });
  await there.account.logOut({ all: true });
  const mail = await here.chat();
  await fails(() => mail.publishKeys(), "E005_SESSION_EXPIRED");
  await here.account.logIn({ username: "ivan", password });
  await mail.publishKeys();
});

test("a new password ends what others had, logs this client in, and takes the old one's place", async () => {
  await using here = await User.arrive(server, "judy");
  await using there = await User.open(server, { state: here.state });
  await there.account.logIn({ username: "judy", password });
  await here.account.setPassword("another horse");
  assert.equal(await codeOf(there, await there.account.accessToken()), "E005_SESSION_EXPIRED");
  assert.equal(await codeOf(here, await here.account.accessToken()), "accepted");
  await fails(() => there.account.logIn({ username: "judy", password }), "E064_LOGIN_REFUSED");
  await there.account.logIn({ username: "judy", password: "another horse" });
});

test("a server that shows another login key than before is refused, unless it is meant", async () => {
  const folder = mkdtempSync(join(tmpdir(), "qpq-sdk-other-"));
  const settings = { "log-level": "warn" };
  try {
    await using first = await startServerProcess({ settings });
    await using user = await User.arrive(first, "kim");
    for (const file of ["server-cert.der", "server-key.der"]) cpSync(join(first.dataDir, file), join(folder, file));
    await first.kill("SIGKILL");
    await user.client.forgetSession(); // whose end it has not heard of
    // another one at its place, with its certificate, at which the same name was registered with the same password
    await using second = await startServerProcess({ settings, dataDir: folder, port: first.port });
    await using same = await User.open(second, { state: user.state });
    await same.account.register({ username: "kim", password });
    user.calls.length = 0;
    await fails(() => user.account.logIn({ username: "kim", password }), "E070_LOGIN_SERVER");
    await fails(() => user.account.setPassword("another horse"), "E070_LOGIN_SERVER");
    assert.deepEqual(user.calls, ["opaqueLoginStart", "opaqueRegisterStart"], "it gets no proof");
    await user.account.logIn({ username: "kim", password, acceptNewKey: true });
    await user.account.logIn({ username: "kim", password });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a server without the account's record is refused as a wrong password is", async () => {
  await using other = await startServerProcess({ settings: { "log-level": "warn" } });
  await using user = await User.arrive(server, "lena");
  await using elsewhere = await User.open(other, { state: user.state });
  await fails(() => elsewhere.account.logIn({ username: "lena", password }), "E064_LOGIN_REFUSED");
});

for (const [what, altered] of Object.entries({
  "a stretching that this version does not know": { stretching: 0 },
  "an answer that is no message of OPAQUE": { response: new Uint8Array(320) },
})) {
  test(`${what} is refused, and the server hears nothing more`, async () => {
    await using user = await User.open(server);
    const call = async (name: "opaqueLoginStart", params: never): Promise<unknown> => ({
      ...(await user.client.call(name, params)),
      ...altered,
    });
    const client = { call } as unknown as ReconnectingClient;
    const login = { client, identity: user.state.identity, username: "alice", password, knownServerKey: undefined };
    await fails(() => logIn(login), "E070_LOGIN_SERVER");
    assert.deepEqual(user.calls, ["opaqueLoginStart"]);
  });
}

test("stretching the password does not hold up this thread", async () => {
  await using user = await User.arrive(server, "mike");
  await using opaque = new OpaqueThread();
  const request = await opaque.begin("login", password);
  const { response } = await user.client.call("opaqueLoginStart", { username: "mike", request });
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  const finishing = opaque.finish(response, stretchingProfiles[1]!);
  turn();
  assert.ok((await finishing) !== undefined);
  isOver = true;
  assert.ok(turns > 20, `${turns} turns of the event loop meanwhile`);
});
