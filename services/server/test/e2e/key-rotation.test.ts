/** What docs/operate/keys.md says of secrets that are changed: who is let in afterwards, and how. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createOpaqueSetup } from "../../src/accounts/opaque.ts";
import { TestRegistration } from "../../testing/opaque-client.ts";
import { type ServerProcessOptions, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { login, newPerson, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";

/** Starts servers one after the other on one folder. */
function servers() {
  const dataDir = mkdtempSync(join(tmpdir(), "qpq-rotation-"));
  after(() => rmSync(dataDir, { recursive: true, force: true }));
  return (options: ServerProcessOptions = {}) => startServerProcess({ ...options, dataDir });
}

test("with another OPAQUE setup nobody logs in; who registers again with the same key has the same account", async () => {
  const start = servers();
  const alice = newPerson("alice");
  const recipientKey = alice.identity.identityKey;
  const first = await start({ env: { QPQ_OPAQUE_SETUP: createOpaqueSetup() } });
  using before = await RawClient.connect(first, { token: "" });
  await register(before, alice);
  const token = await login(before, alice);
  using atAlice = await RawClient.connect(first, { token });
  await atAlice.call("enqueue", { recipientKey, payload: Buffer.from("kept") });
  await first.kill("SIGTERM");
  await using second = await start({ env: { QPQ_OPAQUE_SETUP: createOpaqueSetup() } });
  using client = await RawClient.connect(second, { token: "" });
  await assert.rejects(login(client, alice), /another password/);
  const thief = { ...newPerson("alice"), password: alice.password };
  assert.equal(await codeOf(register(client, thief)), "E066_USERNAME_TAKEN");
  await register(client, alice);
  using again = await RawClient.connect(second, { token: await login(client, alice) });
  assert.equal((await again.call("peek", { recipientKey })).payloads.length, 1);
  using late = await RawClient.connect(second, { token });
  assert.equal(await codeOf(late.call("peek", { recipientKey })), "E005_SESSION_EXPIRED");
});

test("a name that was taken without a proof lets nobody in where proofs are asked for", async () => {
  const start = servers();
  const owner = newPerson("bob");
  const squatter = newPerson("bob");
  const first = await start({ settings: { "allow-unproven-identity": true } });
  using before = await RawClient.connect(first, { token: "" });
  const registration = new TestRegistration(squatter.password);
  const { response } = await before.call("opaqueRegisterStart", { username: "bob", request: registration.request });
  const { upload } = registration.finish("bob", response, squatter.identity);
  // somebody else's key, which they cannot sign with
  const { identityKey } = owner.identity;
  await before.call("opaqueRegisterFinish", { username: "bob", upload, identityKey, identityProof: new Uint8Array() });
  await first.kill("SIGTERM");
  await using second = await start();
  using client = await RawClient.connect(second, { token: "" });
  const privateKey = squatter.identity.privateKey;
  assert.equal(
    await codeOf(login(client, { ...squatter, identity: { identityKey, privateKey } })),
    "E064_LOGIN_REFUSED",
  );
  await register(client, owner);
  assert.equal((await login(client, owner)).length, 32);
});
