/** Devices over real QUIC: listed by their identity, found by others, logged in on their own, and ended. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { labels, QpqError } from "quicproquo-proto";
import { sharedPostgres } from "../../testing/postgres.ts";
import { newIdentity, signAs, type TestIdentity } from "../../testing/opaque-client.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive, login, type Person } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession, TestSink } from "./raw-session.ts";
import { stores } from "./stores.ts";

const payload = Buffer.from("hello");

/** As a client does it; the device's id. `client`: with the token of the identity. */
async function list(client: RawClient, { identity }: Person, device: TestIdentity): Promise<Uint8Array> {
  const { identityKey: deviceKey } = device;
  const signature = signAs(identity, labels.device, [identity.identityKey, deviceKey]);
  const { deviceId } = await client.call("registerDevice", { deviceKey, deviceName: "phone", signature });
  return Uint8Array.from(deviceId);
}

for (const { name, start } of stores) {
  describe(`devices over ${name}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await start({});
    });
    after(() => server[Symbol.asyncDispose]());
    const connect = (token: Uint8Array | string): Promise<RawClient> => RawClient.connect(server, { token });

    test("a listed device logs in with the account's password, has an inbox of its own, and reads no other", async () => {
      const alice = await arrive(server, "alice");
      const phone = newIdentity();
      using atAlice = await connect(alice.token);
      await assert.rejects(login(atAlice, { ...alice, identity: phone }), { code: "E006_FORBIDDEN" });
      await list(atAlice, alice, phone);
      using atPhone = await connect(await login(atAlice, { ...alice, identity: phone }));
      const recipientKey = phone.identityKey;
      await atAlice.call("enqueue", { recipientKey, payload });
      assert.equal((await atPhone.call("peek", { recipientKey })).payloads.length, 1);
      const others = { recipientKey: alice.identity.identityKey };
      assert.equal(await codeOf(atPhone.call("peek", others)), "E006_FORBIDDEN");
      assert.equal(await codeOf(atAlice.call("peek", { recipientKey })), "E006_FORBIDDEN");
      assert.equal((await atPhone.call("createChannel", { peerKey: others.recipientKey })).wasNew, true);
    });

    test("whoever sends to a person finds the person's devices, signed; without a key everybody finds their own", async () => {
      const [bob, carol] = [await arrive(server, "bob"), await arrive(server, "carol")];
      const { identityKey } = bob.identity;
      const keys = [newIdentity(), newIdentity()];
      using atBob = await connect(bob.token);
      for (const key of keys) await list(atBob, bob, key);
      using atCarol = await connect(carol.token);
      using operator = await connect(server.token);
      for (const [client, key] of [
        [atCarol, identityKey],
        [operator, identityKey],
        [atBob, new Uint8Array()],
      ] as const) {
        const { devices } = await client.call("listDevices", { identityKey: key });
        assert.deepEqual(
          devices.map(({ deviceKey, deviceName, signature }) => [[...deviceKey], deviceName, [...signature]]),
          keys.map((one) => [
            [...one.identityKey],
            "phone",
            [...signAs(bob.identity, labels.device, [identityKey, one.identityKey])],
          ]),
        );
        assert.ok(devices.every(({ registeredAtMs }) => registeredAtMs > 0n));
      }
      const none = await atCarol.call("listDevices", { identityKey: newIdentity().identityKey });
      assert.deepEqual(none.devices, []);
    });

    test("only the identity's own token lists and ends devices, five of them", async () => {
      const dave = await arrive(server, "dave");
      using atDave = await connect(dave.token);
      const phone = newIdentity();
      const deviceId = await list(atDave, dave, phone);
      using atPhone = await connect(await login(atDave, { ...dave, identity: phone }));
      using operator = await connect(server.token);
      for (const client of [atPhone, operator]) {
        assert.equal(await codeOf(list(client, dave, newIdentity())), "E006_FORBIDDEN");
        assert.equal(await codeOf(client.call("revokeDevice", { deviceId })), "E006_FORBIDDEN");
      }
      for (let n = 0; n < 4; n++) await list(atDave, dave, newIdentity());
      const refusal = await list(atDave, dave, newIdentity()).catch((error: unknown) => error);
      assert.ok(refusal instanceof QpqError && refusal.code === "E029_DEVICE_LIMIT" && refusal.kind === "conflict");
      const forged = { deviceKey: phone.identityKey, deviceName: "", signature: new Uint8Array(64) };
      assert.equal(await codeOf(atDave.call("registerDevice", forged)), "E074_DEVICE_SIGNATURE");
      const unknown = { deviceId: new Uint8Array(16) };
      assert.equal(await codeOf(atDave.call("revokeDevice", unknown)), "E030_DEVICE_NOT_FOUND");
    });

    test("a revoked device is let in no more: its Session ends, its keys are gone, its login is refused", async () => {
      const erin = await arrive(server, "erin");
      using atErin = await connect(erin.token);
      const phone = newIdentity();
      const { identityKey } = phone;
      const deviceId = await list(atErin, erin, phone);
      const token = await login(atErin, { ...erin, identity: phone });
      using atPhone = await connect(token);
      await atPhone.call("uploadKeyPackage", { identityKey, package: payload });
      using session = new RawSession(atPhone.service, token);
      const sink = new TestSink();
      session.inbox(identityKey).subscribe(sink);
      await sink.until(() => sink.pushes.length === 1);
      assert.deepEqual(await atErin.call("revokeDevice", { deviceId }), { success: true });
      await sink.until(() => sink.isEnded);
      assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
      assert.equal(await codeOf(atPhone.call("peek", { recipientKey: identityKey })), "E005_SESSION_EXPIRED");
      assert.equal(await codeOf(login(atErin, { ...erin, identity: phone })), "E006_FORBIDDEN");
      assert.equal((await atErin.call("fetchKeyPackage", { identityKey })).package.length, 0);
      assert.equal(await codeOf(atErin.call("peek", { recipientKey: erin.identity.identityKey })), "accepted");
      assert.deepEqual((await atErin.call("listDevices", { identityKey: new Uint8Array() })).devices, []);
    });
  });
}

test("a device that is revoked at one front-end of a cluster is let in at no other", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using here = await startServerProcess({ cluster: { databaseUrl } });
  await using there = await startServerProcess({ cluster: { databaseUrl } });
  const frank = await arrive(here, "frank");
  using atHere = await RawClient.connect(here, { token: frank.token });
  const phone = newIdentity();
  const deviceId = await list(atHere, frank, phone);
  using stranger = await RawClient.connect(there, { token: "" });
  const token = await login(stranger, { ...frank, identity: phone });
  using atThere = await RawClient.connect(there, { token });
  using session = new RawSession(atThere.service, token);
  const recipientKey = phone.identityKey;
  const sink = new TestSink();
  session.inbox(recipientKey).subscribe(sink);
  await sink.until(() => sink.pushes.length === 1);
  await atHere.call("revokeDevice", { deviceId });
  assert.equal(await codeOf(login(stranger, { ...frank, identity: phone })), "E006_FORBIDDEN");
  await sink.until(() => sink.isEnded);
  assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
  for (let code = ""; code !== "E005_SESSION_EXPIRED"; ) {
    code = await codeOf(atThere.call("peek", { recipientKey }));
    assert.ok(code === "accepted" || code === "E005_SESSION_EXPIRED", code);
  }
});
