/** Registration and login over the store in memory, with a client made of the library's other half. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, labels, QpqError, sizes } from "quicproquo-proto";
import { createOpaqueSetup } from "../../src/accounts/opaque.ts";
import { newIdentity, signAs, TestLogin, TestRegistration } from "../../testing/opaque-client.ts";
import { beginLogin, here, login, newPerson, Place, register } from "./front-ends.ts";

const isCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof QpqError && error.code === code;
const isRefused = isCode("E064_LOGIN_REFUSED");

async function registered(place = new Place()) {
  const accounts = place.frontEnd();
  const alice = newPerson("alice");
  await register(accounts, alice);
  return { place, accounts, alice };
}

test("who has registered gets a token that acts for the identity key, and any front-end can finish what another began", async () => {
  const { place, accounts, alice } = await registered();
  const token = await login(accounts, alice, place.frontEnd());
  const caller = await place.tokens.find(token);
  assert.deepEqual(
    [caller.kind, caller.actsFor, caller.account],
    ["session", alice.identity.identityKey, caller.actsFor],
  );
});

test("a name has one form: it is found whatever the case it is written in", async () => {
  const { accounts, alice } = await registered();
  assert.equal((await login(accounts, { ...alice, username: "ALICE" })).length, sizes.sessionToken);
  await assert.rejects(register(accounts, newPerson("Alice")), isCode("E066_USERNAME_TAKEN"));
});

test("another password is seen by the client; one who goes on all the same is refused, as one is who has no account", async () => {
  const { accounts, alice } = await registered();
  assert.equal((await beginLogin(accounts, { ...alice, password: "wrong" })).finish, undefined);
  const right = (await beginLogin(accounts, alice)).finish;
  for (const username of ["alice", "nobody"]) {
    const request = new TestLogin("wrong").request;
    const { loginId } = await accounts.loginStart({ username, request }, here);
    await assert.rejects(accounts.loginFinish({ username, loginId, ...right! }, here), isRefused);
  }
});

test("a name that nobody has is answered like one that somebody has: the same sizes, the same work, never the same bytes", async () => {
  const { accounts } = await registered();
  const { request } = new TestLogin("x");
  const answers = [];
  for (const username of ["alice", "nobod", "alice", "nobod"]) {
    answers.push(await accounts.loginStart({ username, request }, here));
  }
  const sizesOf = answers.map(({ response, loginId, stretching }) => [response.length, loginId.length, stretching]);
  assert.deepEqual(sizesOf[0]?.[0], sizes.opaqueLoginResponse);
  for (const one of sizesOf) assert.deepEqual(one, sizesOf[0]);
  // RFC 9807, section 10.9: what depends on the name alone is the same at each try, as it is for an account
  const evaluated = answers.map(({ response }) => Buffer.from(response.subarray(0, 32)).toString("hex"));
  assert.deepEqual([evaluated[0], evaluated[1]], [evaluated[2], evaluated[3]]);
  assert.equal(new Set(answers.map(({ response }) => Buffer.from(response).toString("hex"))).size, 4);
});

test("a login that takes longer than 5 minutes, of another name, of another setup, or altered anywhere, is refused", async () => {
  const { place, accounts, alice } = await registered();
  const { username } = alice;
  const { loginId, finish } = await beginLogin(accounts, alice);
  const finishWith = (changes: object, at = accounts) =>
    at.loginFinish({ username, loginId, ...finish!, ...changes }, here);
  await register(accounts, newPerson("bob"));
  await assert.rejects(finishWith({ username: "bob" }), isRefused);
  await assert.rejects(finishWith({}, place.frontEnd({ opaqueSetup: createOpaqueSetup() })), isRefused);
  const altered = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] as number) ^ 1);
  for (let at = 0; at < loginId.length; at += 7) {
    await assert.rejects(finishWith({ loginId: altered(loginId, at) }), isRefused);
  }
  for (const short of [0, 1, 27, 28, loginId.length - 1]) {
    await assert.rejects(finishWith({ loginId: loginId.subarray(0, short) }), isRefused);
  }
  await assert.rejects(finishWith({ finalization: altered(finish!.finalization, 3) }), isRefused);
  await assert.rejects(finishWith({ finalization: new Uint8Array() }), isRefused);
  place.nowMs += 5 * 60_000 - 1;
  await finishWith({});
  place.nowMs += 1;
  await assert.rejects(finishWith({}), isRefused);
});

test("without the identity key's signature over this very login the password alone gets nothing", async () => {
  const { accounts, alice } = await registered();
  const { username, identity } = alice;
  const [one, other] = [await beginLogin(accounts, alice), await beginLogin(accounts, alice)];
  const finish = (identityProof: Uint8Array, identityKey: Uint8Array = identity.identityKey) =>
    accounts.loginFinish({ username, loginId: one.loginId, ...one.finish!, identityProof, identityKey }, here);
  await assert.rejects(finish(new Uint8Array()), isRefused);
  await assert.rejects(finish(new Uint8Array(64)), isRefused);
  await assert.rejects(finish(other.finish!.identityProof), isRefused, "that of another login");
  const asRegistration = signAs(identity, labels.register, [Buffer.from(username), identity.identityKey]);
  await assert.rejects(finish(asRegistration), isRefused);
  const thief = newIdentity();
  await assert.rejects(finish(one.finish!.identityProof, thief.identityKey), isCode("E006_FORBIDDEN"));
  await assert.rejects(finish(one.finish!.identityProof, new Uint8Array(31)), isCode("E007_KEY_LENGTH"));
  await finish(one.finish!.identityProof);
});

test("a listed device logs in with the account's password, and its token acts for the device key alone", async () => {
  const { place, accounts, alice } = await registered();
  const device = newIdentity();
  const phone = { ...alice, identity: device };
  await assert.rejects(login(accounts, phone), isCode("E006_FORBIDDEN"));
  const { identityKey } = alice.identity;
  const row = { identity: identityKey, deviceId: new Uint8Array(16), deviceKey: device.identityKey, name: "phone" };
  await place.store.accounts.putDevice({
    device: { ...row, signature: new Uint8Array(64), registeredAtMs: 0 },
    devicesMax: 5,
  });
  const bob = newPerson("bob");
  await register(accounts, bob);
  await assert.rejects(login(accounts, { ...bob, identity: device }), isCode("E006_FORBIDDEN"), "another's device");
  const caller = await place.tokens.find(await login(accounts, phone));
  assert.deepEqual([caller.kind, caller.actsFor, caller.account], ["device", device.identityKey, identityKey]);
});

test("a registration is bound to the identity that signs it, and to the bytes that are uploaded", async () => {
  const accounts = new Place().frontEnd();
  const { username, identity } = newPerson("carol");
  const registration = new TestRegistration("pw");
  const response = await accounts.registerStart({ username, request: registration.request }, here);
  const finish = registration.finish(username, response, identity);
  const attempt = (changes: object) => accounts.registerFinish({ username, ...finish, ...changes }, here);
  await assert.rejects(attempt({ identityProof: new Uint8Array() }), isRefused);
  await assert.rejects(attempt({ username: "carl" }), isRefused);
  await assert.rejects(attempt({ identityKey: newIdentity().identityKey }), isRefused);
  await assert.rejects(attempt({ upload: finish.upload.with(0, (finish.upload[0] as number) ^ 1) }), isRefused);
  await assert.rejects(attempt({ identityKey: new Uint8Array(32) }), isCode("E001_BAD_REQUEST"));
  await attempt({});
  await attempt({});
});

test("an upload that is no OPAQUE record is refused though it is signed: it could not be logged in with, and would tell", async () => {
  const place = new Place();
  const accounts = place.frontEnd({ allowUnprovenIdentity: true });
  const { identityKey } = newIdentity();
  for (const upload of [
    new Uint8Array(),
    new Uint8Array(192),
    new Uint8Array(191).fill(1),
    new Uint8Array(192).fill(255),
  ]) {
    const finish = { username: "dora", upload, identityKey, identityProof: new Uint8Array() };
    await assert.rejects(accounts.registerFinish(finish, here), isCode("E001_BAD_REQUEST"));
  }
  assert.equal(await place.store.accounts.accountOf("dora"), undefined);
  for (const request of [new Uint8Array(), new Uint8Array(32), new Uint8Array(96), new Uint8Array(96).fill(255)]) {
    await assert.rejects(accounts.registerStart({ username: "dora", request }, here), isCode("E001_BAD_REQUEST"));
    await assert.rejects(accounts.loginStart({ username: "dora", request }, here), isCode("E001_BAD_REQUEST"));
  }
});

test("a new password needs the identity's proof; then the old one is over, its tokens too, and a login that had begun with it", async () => {
  const { place, accounts, alice } = await registered();
  const token = await login(accounts, alice);
  const { loginId, finish } = await beginLogin(accounts, alice);
  const changed = { ...alice, password: "new password" };
  await assert.rejects(register(accounts, { ...changed, identity: newIdentity() }), isCode("E066_USERNAME_TAKEN"));
  assert.equal((await place.tokens.find(token)).kind, "session");
  await register(accounts, changed);
  place.nowMs += 5_000; // at another front-end
  await assert.rejects(async () => place.tokens.find(token), isCode("E005_SESSION_EXPIRED"));
  await assert.rejects(accounts.loginFinish({ username: "alice", loginId, ...finish! }, here), isRefused);
  assert.equal((await beginLogin(accounts, alice)).finish, undefined);
  assert.equal((await login(accounts, changed)).length, sizes.sessionToken);
});

test("a login that a new password overtakes gets no token, whatever of it comes first", async () => {
  for (const moment of ["before", "between"] as const) {
    const { place, accounts, alice } = await registered();
    const { putToken } = place.store.accounts;
    const change = () => register(accounts, { ...alice, password: "new password" });
    place.store.accounts.putToken = async (request) => {
      place.store.accounts.putToken = putToken;
      if (moment === "before") await change();
      const put = await putToken(request);
      if (moment === "between") await change();
      return put;
    };
    await assert.rejects(login(accounts, alice), isRefused, moment);
    const { identityKey: identity } = alice.identity;
    assert.equal(await place.store.accounts.revokeTokens({ identity, actsFor: undefined }), 0, moment);
  }
});

test("an identity has one name, and a disabled account is told so only to who knows its password", async () => {
  const { place, accounts, alice } = await registered();
  await assert.rejects(register(accounts, { ...alice, username: "alicia" }), isCode("E067_IDENTITY_TAKEN"));
  await place.store.accounts.setDisabled({ username: "alice", disabled: true });
  await assert.rejects(login(accounts, alice), isCode("E068_ACCOUNT_DISABLED"));
  const request = new TestLogin("wrong").request;
  const { loginId } = await accounts.loginStart({ username: "alice", request }, here);
  const bad = { finalization: new Uint8Array(64), identityKey: alice.identity.identityKey };
  const identityProof = new Uint8Array(64);
  await assert.rejects(accounts.loginFinish({ username: "alice", loginId, ...bad, identityProof }, here), isRefused);
});

test("where identities need no proof one may be left out, a wrong one is refused, and nobody sets another's password", async () => {
  const { place, accounts, alice } = await registered();
  const loose = place.frontEnd({ allowUnprovenIdentity: true });
  const none = { identityProof: new Uint8Array() };
  const { loginId, finish } = await beginLogin(loose, alice);
  await assert.rejects(accounts.loginFinish({ username: "alice", loginId, ...finish!, ...none }, here), isRefused);
  await loose.loginFinish({ username: "alice", loginId, ...finish!, ...none }, here);
  const wrong = { identityProof: new Uint8Array(64) };
  await assert.rejects(loose.loginFinish({ username: "alice", loginId, ...finish!, ...wrong }, here), isRefused);
  const registration = new TestRegistration("stolen");
  const response = await loose.registerStart({ username: "alice", request: registration.request }, here);
  const taken = registration.finish("alice", response, alice.identity);
  await assert.rejects(
    loose.registerFinish({ username: "alice", ...taken, ...none }, here),
    isCode("E066_USERNAME_TAKEN"),
  );
  assert.equal((await login(accounts, alice)).length, sizes.sessionToken);
});
