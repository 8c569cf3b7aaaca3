/** Who shows the recipient's delivery token sends to its default inbox, says not who it is, and does nothing else; over QUIC. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession } from "./raw-session.ts";
import { stores } from "./stores.ts";

const payload = Buffer.from("hello");
const deliveryToken = new Uint8Array(32).fill(42);
const tokenHash = hash("sha256", deliveryToken, "buffer");

async function meet(server: ServerProcess, username: string) {
  const person = await arrive(server, username);
  const client = await RawClient.connect(server, { token: person.token });
  return { ...person, key: person.identity.identityKey, client };
}
type Somebody = Awaited<ReturnType<typeof meet>>;

for (const { name, start } of stores) {
  describe(`sealed senders over ${name}`, () => {
    let server: ServerProcess;
    let [alice, bob] = [] as unknown as [Somebody, Somebody];
    before(async () => {
      server = await start({ settings: { "allow-sealed-sender": true, "queue-depth-max": 20 } });
      [alice, bob] = [await meet(server, "alice"), await meet(server, "bob")];
    });
    after(async () => {
      for (const { client } of [alice, bob]) client.close();
      await server[Symbol.asyncDispose]();
    });
    let count = 0;
    const newKey = (): Uint8Array => new Uint8Array(16).fill(++count);
    const connect = (token = deliveryToken) => RawClient.connect(server, { token });
    const enqueue = async (client: RawClient, idempotencyKey = newKey()) =>
      (await client.call("enqueue", { recipientKey: alice.key, payload, idempotencyKey })).seq;
    const publish = (identityKey: Uint8Array, hashed: Uint8Array) =>
      alice.client.call("publishDeliveryToken", { identityKey, tokenHash: hashed });

    test("without a published token nobody sends sealed, and nobody publishes one for another", async () => {
      using stranger = await connect();
      assert.equal(await codeOf(enqueue(stranger)), "E005_SESSION_EXPIRED");
      assert.equal(await codeOf(publish(bob.key, tokenHash)), "E006_FORBIDDEN");
      assert.equal(await codeOf(publish(alice.key, tokenHash.subarray(1))), "E001_BAD_REQUEST");
      await publish(alice.key, tokenHash);
      assert.equal(await enqueue(stranger), 1n);
    });

    test("its holders are one sender: a repeat by another of them is the same message, somebody's own is not", async () => {
      using one = await connect();
      using other = await connect();
      const key = newKey();
      const seq = await enqueue(one, key);
      assert.equal(await enqueue(other, key), seq);
      assert.equal(await enqueue(bob.client, key), seq + 1n);
      await alice.client.call("ack", { recipientKey: alice.key, seqUpTo: seq + 1n });
    });

    test("together they hold a quarter of the inbox, and who says its name still reaches it", async () => {
      for (let n = 0; n < 5; n++) {
        using client = await connect();
        await enqueue(client);
      }
      using client = await connect();
      assert.equal(await codeOf(enqueue(client)), "E009_QUEUE_FULL");
      const seq = await enqueue(bob.client);
      await alice.client.call("ack", { recipientKey: alice.key, seqUpTo: seq });
      await enqueue(client);
    });

    test("a block does not tell them apart: who was blocked sends sealed, until the token is another one", async () => {
      await alice.client.call("setBlocked", { senderKey: bob.key, blocked: true });
      assert.equal(await codeOf(enqueue(bob.client)), "E069_BLOCKED");
      using sealed = await connect();
      await enqueue(sealed);
      await publish(alice.key, hash("sha256", "another", "buffer"));
      assert.equal(await codeOf(enqueue(sealed)), "E005_SESSION_EXPIRED");
      await publish(alice.key, tokenHash);
      await enqueue(sealed);
      await alice.client.call("setBlocked", { senderKey: bob.key, blocked: false });
    });

    test("the token does nothing else: no other inbox, no channel, no other call", async () => {
      using sealed = await connect();
      const [recipientKey, channelId] = [alice.key, new Uint8Array(16).fill(1)];
      const made = await alice.client.call("createChannel", { peerKey: bob.key });
      for (const [code, call] of [
        ["E005_SESSION_EXPIRED", () => sealed.call("enqueue", { recipientKey: bob.key, payload })],
        ["E006_FORBIDDEN", () => sealed.call("enqueue", { recipientKey, payload, channelId })],
        ["E006_FORBIDDEN", () => sealed.call("enqueue", { recipientKey, payload, channelId: made.channelId })],
        ["E005_SESSION_EXPIRED", () => sealed.call("batchEnqueue", { recipientKeys: [recipientKey], payload })],
        ["E005_SESSION_EXPIRED", () => sealed.call("peek", { recipientKey })],
        ["E005_SESSION_EXPIRED", () => sealed.call("fetch", { recipientKey })],
        ["E005_SESSION_EXPIRED", () => sealed.call("ack", { recipientKey, seqUpTo: 9n })],
        ["E005_SESSION_EXPIRED", () => sealed.call("fetchKeyPackage", { identityKey: recipientKey })],
        ["E005_SESSION_EXPIRED", () => sealed.call("openSession", {})],
      ] as const) {
        assert.equal(await codeOf(call()), code);
      }
    });

    test("where a Session was opened nobody sends sealed, on any stream of the connection, also after its end", async () => {
      using sealed = await connect();
      await enqueue(sealed);
      {
        using session = new RawSession(sealed.service, bob.token);
        await session.opened;
      }
      assert.equal(await codeOf(enqueue(sealed)), "E006_FORBIDDEN");
      assert.equal(await codeOf(enqueue(RawClient.on(sealed.connection, deliveryToken))), "E006_FORBIDDEN");
      await enqueue(RawClient.on(sealed.connection, bob.token));
    });
  });
}

test("a server that is not set to allow it takes the token for one that has ended", async () => {
  await using server = await startServerProcess();
  const alice = await meet(server, "alice");
  await alice.client.call("publishDeliveryToken", { identityKey: alice.key, tokenHash });
  using sealed = await RawClient.connect(server, { token: deliveryToken });
  assert.equal(await codeOf(sealed.call("enqueue", { recipientKey: alice.key, payload })), "E005_SESSION_EXPIRED");
  alice.client.close();
});
