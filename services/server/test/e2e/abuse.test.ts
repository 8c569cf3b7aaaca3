/** What somebody with an account of their own may try on others, and does not get (docs/threat-model.md). */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { labels, QpqError } from "quicproquo-proto";
import { newIdentity, signAs, type TestIdentity, TestLogin, TestRegistration } from "../../testing/opaque-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive, login, type Person } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession } from "./raw-session.ts";
import { stores } from "./stores.ts";

const depth = 40;
const share = depth / 4;
const payload = Buffer.from("hello");
const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

for (const { name, start } of stores) {
  describe(`abuse over ${name}`, () => {
    let server: ServerProcess;
    type Somebody = Person & { readonly key: Uint8Array; readonly token: Uint8Array; readonly client: RawClient };
    let bob: Somebody;
    let carol: Somebody;
    let mallory: Somebody;
    const meet = async (username: string): Promise<Somebody> => {
      const person = await arrive(server, username);
      const client = await RawClient.connect(server, { token: person.token });
      return { ...person, key: person.identity.identityKey, client };
    };
    before(async () => {
      const settings = {
        "queue-depth-max": depth,
        "sending-calls-per-minute": 1_000,
        "login-attempts-per-minute": 100,
      };
      server = await start({ settings });
      [bob, carol, mallory] = [await meet("bob"), await meet("carol"), await meet("mallory")];
    });
    after(async () => {
      for (const { client } of [bob, carol, mallory]) client.close();
      await server[Symbol.asyncDispose]();
    });

    /** Logged in for a device of theirs. */
    async function withDevice(owner: Somebody): Promise<{ readonly device: TestIdentity; readonly client: RawClient }> {
      const device = newIdentity();
      const { identityKey: deviceKey } = device;
      const signature = signAs(owner.identity, labels.device, [owner.key, deviceKey]);
      await owner.client.call("registerDevice", { deviceKey, deviceName: "phone", signature });
      using anybody = await RawClient.connect(server, { token: "" });
      const token = await login(anybody, { ...owner, identity: device });
      return { device, client: await RawClient.connect(server, { token }) };
    }

    test("who fetches KeyPackages to use them up gets ten, by whatever token, and others still find one", async () => {
      for (let n = 0; n < 15; n++)
        await bob.client.call("uploadKeyPackage", { identityKey: bob.key, package: randomBytes(300) });
      const lastResort = randomBytes(300);
      await bob.client.call("uploadKeyPackage", { identityKey: bob.key, package: lastResort, lastResort: true });
      const taken = new Set<string>();
      let refusal: unknown;
      using ofDevice = (await withDevice(mallory)).client;
      using again = await RawClient.connect(server, { token: await loginAgain(mallory) });
      for (let n = 0; refusal === undefined && n < 30; n++) {
        const client = [mallory.client, ofDevice, again][n % 3] as RawClient;
        try {
          const { package: keyPackage } = await client.call("fetchKeyPackage", { identityKey: bob.key });
          taken.add(Buffer.from(keyPackage).toString("hex"));
        } catch (error) {
          refusal = error;
        }
      }
      assert.ok(refusal instanceof QpqError && refusal.code === "E018_RATE_LIMIT");
      assert.ok((refusal.retryAfterMs ?? 0) > 60_000, "ten in an hour, not in a minute");
      assert.equal(taken.size, 10);
      const { package: carols } = await carol.client.call("fetchKeyPackage", { identityKey: bob.key });
      assert.ok(carols.length > 0 && !taken.has(Buffer.from(carols).toString("hex")), "one that nobody has");
      for (let n = 0; n < 5; n++) await carol.client.call("fetchKeyPackage", { identityKey: bob.key });
      const { package: last } = await carol.client.call("fetchKeyPackage", { identityKey: bob.key });
      assert.deepEqual(Buffer.from(last), lastResort, "and when all are used up the last resort");
    });

    test("who floods an inbox fills a quarter of it, by all ways to send and with all devices, and others still reach it", async () => {
      const { client: ofDevice } = await withDevice(mallory);
      using _ = ofDevice;
      using session = new RawSession(mallory.client.service, mallory.token);
      const recipientKey = bob.key;
      const entry = {
        recipientKey,
        channelId: new Uint8Array(),
        payload,
        idempotencyKey: new Uint8Array(),
        ttlSecs: 0,
      };
      for (let round = 0; round < share; round++) {
        await codeOf(mallory.client.call("enqueue", { recipientKey, payload }));
        await codeOf(ofDevice.call("enqueue", { recipientKey, payload }));
        await codeOf(mallory.client.call("batchEnqueue", { recipientKeys: [recipientKey], payload }));
        await codeOf(session.send([entry, entry]));
      }
      const { payloads } = await bob.client.call("peek", { recipientKey, limit: depth });
      assert.equal(payloads.length, share);
      const commit = {
        groupId: randomBytes(16),
        epoch: 0n,
        entries: [entry],
        payload: new Uint8Array(),
        idempotencyKey: randomBytes(16),
        epochProof: randomBytes(32),
        nextProofHash: randomBytes(32),
      };
      assert.deepEqual((await mallory.client.call("submitCommit", commit)).seqs, [0n]);
      assert.equal(await codeOf(ofDevice.call("enqueue", { recipientKey, payload })), "E009_QUEUE_FULL");
      assert.equal(await codeOf(carol.client.call("enqueue", { recipientKey, payload })), "accepted");
      // and out of sight, once it was too much
      await bob.client.call("setBlocked", { senderKey: mallory.key, blocked: true });
      assert.equal(await codeOf(ofDevice.call("enqueue", { recipientKey, payload })), "E069_BLOCKED");
      await bob.client.call("setBlocked", { senderKey: mallory.key, blocked: false });
    });

    test("nobody burns another's keys: not the pool, nor what stands unread, nor an id of a message, nor a device", async () => {
      const { client } = mallory;
      const { device, client: ofBobsDevice } = await withDevice(bob);
      using _ = ofBobsDevice;
      const { devices } = await client.call("listDevices", { identityKey: bob.key });
      const idempotencyKey = randomBytes(16);
      const [recipientKey] = [newIdentity().identityKey];
      assert.deepEqual(
        await Promise.all([
          codeOf(client.call("uploadKeyPackage", { identityKey: bob.key, package: payload })),
          codeOf(
            client.call("uploadKeyPackage", { identityKey: device.identityKey, package: payload, lastResort: true }),
          ),
          codeOf(client.call("fetch", { recipientKey: bob.key })),
          codeOf(client.call("ack", { recipientKey: bob.key, seqUpTo: 1_000n })),
          codeOf(client.call("revokeDevice", { deviceId: devices[0]?.deviceId ?? new Uint8Array() })),
          codeOf(client.call("publishDeliveryToken", { identityKey: bob.key, tokenHash: new Uint8Array(32) })),
        ]),
        [
          "E006_FORBIDDEN",
          "E006_FORBIDDEN",
          "E006_FORBIDDEN",
          "E006_FORBIDDEN",
          "E030_DEVICE_NOT_FOUND",
          "E006_FORBIDDEN",
        ],
      );
      const seqs = [];
      for (const sender of [mallory, bob, mallory, bob]) {
        seqs.push((await sender.client.call("enqueue", { recipientKey, payload, idempotencyKey })).seq);
      }
      assert.deepEqual(seqs, [1n, 2n, 1n, 2n], "each has its own");
    });

    test("nobody takes over a key: as an account without its signature, as a device, or by a password alone", async () => {
      using anybody = await RawClient.connect(server, { token: "" });
      const username = "carol-too";
      const registration = new TestRegistration("pw");
      const { response } = await anybody.call("opaqueRegisterStart", { username, request: registration.request });
      const finish = registration.finish(username, response, mallory.identity);
      const asCarol = { username, ...finish, identityKey: carol.key };
      assert.equal(await codeOf(anybody.call("opaqueRegisterFinish", asCarol)), "E064_LOGIN_REFUSED");
      const signature = signAs(mallory.identity, labels.device, [mallory.key, carol.key]);
      const asDevice = { deviceKey: carol.key, deviceName: "hers", signature };
      assert.notEqual(await codeOf(mallory.client.call("registerDevice", asDevice)), "accepted", "it is an account's");
      // who has carol's password and not her key
      const begun = new TestLogin(carol.password);
      const started = await anybody.call("opaqueLoginStart", { username: carol.username, request: begun.request });
      const proved = begun.finish(carol.username, started.response, mallory.identity);
      assert.ok(proved !== undefined);
      const { loginId } = started;
      for (const [identityKey, code] of [
        [carol.key, "E064_LOGIN_REFUSED"],
        [mallory.key, "E006_FORBIDDEN"],
      ] as const) {
        const told: string = await codeOf(
          anybody.call("opaqueLoginFinish", {
            username: carol.username,
            loginId,
            ...proved,
            identityKey,
          }),
        );
        assert.equal(told, code);
      }
    });

    test("a hybrid key that its identity has not signed, as a hybrid key, is not kept", async () => {
      const [hybridPublicKey, other] = [randomBytes(1216), randomBytes(1216)];
      const { identity, key: identityKey, client } = mallory;
      const good = signAs(identity, labels.hybridKey, [identityKey, hybridPublicKey]);
      for (const signature of [
        new Uint8Array(),
        randomBytes(64),
        signAs(bob.identity, labels.hybridKey, [identityKey, hybridPublicKey]),
        signAs(identity, labels.device, [identityKey, hybridPublicKey]),
        signAs(identity, labels.hybridKey, [identityKey, other]),
        signAs(identity, labels.hybridKey, [bob.key, hybridPublicKey]),
      ]) {
        const params = { identityKey, hybridPublicKey, signature };
        assert.equal(await codeOf(client.call("uploadHybridKey", params)), "E015_HYBRID_KEY");
        // nor by who may act for every key
        using operator = await RawClient.connect(server);
        assert.equal(await codeOf(operator.call("uploadHybridKey", params)), "E015_HYBRID_KEY");
      }
      assert.equal((await bob.client.call("fetchHybridKey", { identityKey })).hybridPublicKey.length, 0);
      assert.equal(
        await codeOf(client.call("uploadHybridKey", { identityKey, hybridPublicKey, signature: good })),
        "accepted",
      );
    });

    test("who was removed from a group moves it no more, and what was sent for it reaches nobody", async () => {
      const groupId = randomBytes(16);
      // what members derive from the secrets of each epoch, and who was removed has up to epoch 2
      const proofs = Array.from({ length: 5 }, () => randomBytes(32));
      const commitBy = (sender: Somebody, epoch: number, known = proofs) => ({
        groupId,
        epoch: BigInt(epoch),
        entries: [
          {
            recipientKey: carol.key,
            channelId: new Uint8Array(),
            payload,
            idempotencyKey: new Uint8Array(),
            ttlSecs: 0,
          },
        ],
        payload: new Uint8Array(),
        idempotencyKey: sha256(Buffer.concat([sender.key, Buffer.from(`${epoch}`)])).subarray(0, 16),
        epochProof: known[epoch] as Uint8Array,
        nextProofHash: sha256(known[epoch + 1] as Uint8Array),
      });
      const submit = (sender: Somebody, epoch: number, known = proofs) =>
        codeOf(sender.client.call("submitCommit", commitBy(sender, epoch, known)));
      assert.equal(await submit(bob, 0), "accepted");
      assert.equal(await submit(mallory, 1), "accepted", "while a member");
      assert.equal(await submit(bob, 2), "accepted", "which removes mallory");
      const before = (await carol.client.call("peek", { recipientKey: carol.key })).payloads.length;
      const guessed = [...proofs.slice(0, 3), randomBytes(32), randomBytes(32)];
      assert.equal(await submit(mallory, 2), "E031_EPOCH_TAKEN", "the epoch that ended with the removal");
      assert.equal(await submit(mallory, 3, guessed), "E032_EPOCH_PROOF");
      const stale = { ...commitBy(mallory, 3), epochProof: proofs[2] as Uint8Array };
      assert.equal(await codeOf(mallory.client.call("submitCommit", stale)), "E032_EPOCH_PROOF");
      assert.equal((await carol.client.call("peek", { recipientKey: carol.key })).payloads.length, before);
      assert.equal(await submit(bob, 3), "accepted", "it goes on without");
    });

    async function loginAgain(person: Somebody): Promise<Uint8Array> {
      using anybody = await RawClient.connect(server, { token: "" });
      return await login(anybody, person);
    }
  });
}
