/** The end of an account over real QUIC: nobody is let in as it any more, and nothing of it is found by anybody. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { labels } from "quicproquo-proto";
import { sharedPostgres } from "../../testing/postgres.ts";
import { newIdentity, signAs } from "../../testing/opaque-client.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive, login, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession, TestSink } from "./raw-session.ts";
import { stores } from "./stores.ts";

const payload = Buffer.from("hello");
type Somebody = Awaited<ReturnType<typeof arrive>>;

/** A Session with a subscription on the key's default inbox. */
async function subscribe(client: RawClient, token: Uint8Array, key: Uint8Array) {
  const session = new RawSession(client.service, token);
  const sink = new TestSink();
  session.inbox(key).subscribe(sink);
  await sink.until(() => sink.pushes.length === 1);
  return { session, sink };
}

/** Everything that a person can have on a server, which is made through its calls; with a device that is logged in. */
async function settle(server: ServerProcess, person: Somebody, peer: Somebody) {
  const client = await RawClient.connect(server, { token: person.token });
  const { identityKey } = person.identity;
  const phone = newIdentity();
  const signature = signAs(person.identity, labels.device, [identityKey, phone.identityKey]);
  await client.call("registerDevice", { deviceKey: phone.identityKey, deviceName: "phone", signature });
  const phoneToken = await login(client, { ...person, identity: phone });
  const atPhone = await RawClient.connect(server, { token: phoneToken });
  for (const [at, identity] of [
    [client, person.identity],
    [atPhone, phone],
  ] as const) {
    const own = { identityKey: identity.identityKey };
    const hybridPublicKey = new Uint8Array(1216).fill(7);
    const hybridKey = signAs(identity, labels.hybridKey, [identity.identityKey, hybridPublicKey]);
    for (const lastResort of [false, true]) await at.call("uploadKeyPackage", { ...own, package: payload, lastResort });
    await at.call("uploadHybridKey", { ...own, hybridPublicKey, signature: hybridKey });
    await at.call("publishEndpoint", { ...own, endpoint: payload });
    await at.call("publishDeliveryToken", { ...own, tokenHash: new Uint8Array(32).fill(1) });
    for (let n = 0; n < 3; n++) await at.call("enqueue", { recipientKey: identity.identityKey, payload });
  }
  const { channelId } = await client.call("createChannel", { peerKey: peer.identity.identityKey });
  await client.call("setBlocked", { senderKey: newIdentity().identityKey, blocked: true });
  return { client, atPhone, phone, phoneToken, channelId: Uint8Array.from(channelId) };
}

for (const { name, start } of stores) {
  describe(`the end of an account over ${name}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await start({ settings: { "login-attempts-per-minute": 50 } });
    });
    after(() => server[Symbol.asyncDispose]());

    test("its tokens and its devices' are refused, open Sessions are told, nobody logs in as it", async () => {
      const [alice, bob] = [await arrive(server, "alice"), await arrive(server, "bob")];
      const { client, atPhone, phone, phoneToken } = await settle(server, alice, bob);
      const { identityKey } = alice.identity;
      const other = await login(client, alice);
      const own = await subscribe(client, other, identityKey);
      const ofPhone = await subscribe(atPhone, phoneToken, phone.identityKey);
      assert.equal(await codeOf(atPhone.call("deleteAccount", {})), "E006_FORBIDDEN");
      using operator = await RawClient.connect(server);
      assert.equal(await codeOf(operator.call("deleteAccount", {})), "E006_FORBIDDEN");

      assert.deepEqual(await client.call("deleteAccount", {}), { success: true });
      for (const { sink } of [own, ofPhone]) {
        await sink.until(() => sink.isEnded);
        assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
      }
      using atOther = await RawClient.connect(server, { token: other });
      for (const [at, recipientKey] of [
        [client, identityKey],
        [atOther, identityKey],
        [atPhone, phone.identityKey],
      ] as const) {
        assert.equal(await codeOf(at.call("peek", { recipientKey })), "E005_SESSION_EXPIRED");
      }
      assert.equal(await codeOf(client.call("deleteAccount", {})), "E005_SESSION_EXPIRED");
      await assert.rejects(login(client, alice), /another password/, "answered like a name that nobody has");
      for (const one of [client, atPhone]) one.close();
    });

    test("nothing of it is found, what others have stays, and name and key can be registered again, with nothing of before", async () => {
      const [carol, dave] = [await arrive(server, "carol"), await arrive(server, "dave")];
      const { client, atPhone, phone, channelId } = await settle(server, carol, dave);
      using atDave = await RawClient.connect(server, { token: dave.token });
      const own = { recipientKey: dave.identity.identityKey };
      await client.call("enqueue", { ...own, payload });
      await client.call("enqueue", { ...own, channelId, payload });
      assert.equal((await atDave.call("peek", { ...own, channelId })).payloads.length, 1);
      const keys = [carol.identity.identityKey, phone.identityKey];
      const found = async () => {
        const sizes = [];
        for (const identityKey of keys) {
          sizes.push(
            (await atDave.call("fetchKeyPackage", { identityKey })).package.length,
            (await atDave.call("fetchHybridKey", { identityKey })).hybridPublicKey.length,
            (await atDave.call("resolveEndpoint", { identityKey })).endpoint.length,
            (await atDave.call("resolveIdentity", { identityKey })).username.length,
          );
        }
        const [identityKey] = keys;
        const { devices } = await atDave.call("listDevices", { identityKey: identityKey as Uint8Array });
        const resolved = await atDave.call("resolveUser", { username: "carol" });
        return [...sizes, devices.length, resolved.identityKey.length];
      };
      assert.deepEqual(await found(), [5, 1216, 5, 5, 5, 1216, 5, 5, 1, 32]);
      await client.call("deleteAccount", {});
      assert.deepEqual(await found(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      assert.equal(await codeOf(atDave.call("peek", { ...own, channelId })), "E023_CHANNEL_NOT_FOUND");
      assert.equal((await atDave.call("peek", own)).payloads.length, 1);
      for (const one of [client, atPhone]) one.close();

      using stranger = await RawClient.connect(server, { token: "" });
      await register(stranger, carol);
      using again = await RawClient.connect(server, { token: await login(stranger, carol) });
      const recipientKey = carol.identity.identityKey;
      assert.equal((await again.call("peek", { recipientKey })).payloads.length, 0);
      assert.deepEqual(await again.call("enqueue", { recipientKey, payload }), { seq: 1n });
      const made = await again.call("createChannel", { peerKey: own.recipientKey });
      assert.deepEqual([made.wasNew, Buffer.compare(made.channelId, channelId) === 0], [true, false]);
    });
  });
}

test("at every front-end of a cluster its tokens end, its open Sessions and who waits for it are told, though the account ended at another", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using here = await startServerProcess({ cluster: { databaseUrl } });
  const settings = { "fetch-wait-ms-max": 600_000 };
  await using there = await startServerProcess({ cluster: { databaseUrl }, settings });
  const erin = await arrive(here, "erin");
  const recipientKey = erin.identity.identityKey;
  using atHere = await RawClient.connect(here, { token: erin.token });
  using atThere = await RawClient.connect(there, { token: erin.token });
  const { session, sink } = await subscribe(atThere, erin.token, recipientKey);
  const waiting = codeOf(atThere.call("fetchWait", { recipientKey, timeoutMs: 600_000n }));
  await atThere.call("peek", { recipientKey });
  await atHere.call("deleteAccount", {});
  for (const [method, params] of [
    ["renewToken", {}],
    ["createChannel", { peerKey: newIdentity().identityKey }],
    ["publishDeliveryToken", { identityKey: recipientKey, tokenHash: new Uint8Array(32) }],
  ] as const) {
    assert.equal(await codeOf(atThere.call(method, params)), "E005_SESSION_EXPIRED", `${method}, at once`);
  }
  await assert.rejects(login(atThere, erin), /another password/);
  await sink.until(() => sink.isEnded);
  assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
  assert.equal(await codeOf(session.send([])), "E005_SESSION_EXPIRED");
  assert.equal(await waiting, "E005_SESSION_EXPIRED");
  for (let code = ""; code !== "E005_SESSION_EXPIRED"; ) {
    code = await codeOf(atThere.call("peek", { recipientKey }));
    assert.ok(code === "accepted" || code === "E005_SESSION_EXPIRED", code);
  }
});
