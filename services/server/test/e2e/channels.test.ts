/** Channels over real QUIC: its two members send into them and read from them, and nobody else by any method. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession, TestSink } from "./raw-session.ts";
import { stores } from "./stores.ts";

const payload = Buffer.from("hello");
const bytes32 = new Uint8Array(32);

for (const { name, start } of stores) {
  describe(`channels over ${name}`, () => {
    let server: ServerProcess;
    type Somebody = Awaited<ReturnType<typeof arrive>> & { readonly key: Uint8Array; readonly client: RawClient };
    let people: Record<"alice" | "bob" | "carol", Somebody>;
    let channelId: Uint8Array;
    const meet = async (username: string): Promise<Somebody> => {
      const person = await arrive(server, username);
      const client = await RawClient.connect(server, { token: person.token });
      return { ...person, key: person.identity.identityKey, client };
    };
    before(async () => {
      server = await start({ settings: { "channels-per-hour": 20 } });
      people = { alice: await meet("alice"), bob: await meet("bob"), carol: await meet("carol") };
      const made = await people.alice.client.call("createChannel", { peerKey: people.bob.key });
      channelId = Uint8Array.from(made.channelId);
    });
    after(async () => {
      for (const { client } of Object.values(people)) client.close();
      await server[Symbol.asyncDispose]();
    });

    let groups = 0;
    /** Every call by which something is stored in an inbox. */
    const sendings = ({ client, token }: Somebody, recipientKey: Uint8Array, channel = channelId) => {
      const entry = { recipientKey, channelId: channel, payload, idempotencyKey: new Uint8Array(), ttlSecs: 0 };
      const commit = {
        groupId: new Uint8Array(16).fill(++groups),
        epoch: 0n,
        entries: [entry],
        payload: new Uint8Array(),
        idempotencyKey: new Uint8Array(16).fill(groups),
        epochProof: bytes32,
        nextProofHash: bytes32,
      };
      return {
        enqueue: () => client.call("enqueue", { recipientKey, channelId: channel, payload }),
        batchEnqueue: () => client.call("batchEnqueue", { recipientKeys: [recipientKey], channelId: channel, payload }),
        submitCommit: () => client.call("submitCommit", commit),
        send: async () => {
          using session = new RawSession(client.service, token);
          return await session.send([entry]);
        },
      };
    };
    /** Every call by which an inbox is read or emptied. */
    const readings = ({ client, token }: Somebody, recipientKey: Uint8Array, channel = channelId) => {
      const inbox = { recipientKey, channelId: channel };
      return {
        peek: () => client.call("peek", inbox),
        fetch: () => client.call("fetch", { ...inbox, keep: true }),
        fetchWait: () => client.call("fetchWait", { ...inbox, keep: true }),
        ack: () => client.call("ack", { ...inbox, seqUpTo: 0n }),
        subscribe: async () => {
          using session = new RawSession(client.service, token);
          using subscription = session.inbox(recipientKey, channel).subscribe(new TestSink());
          await subscription;
        },
      };
    };
    type Calls = Readonly<Record<string, () => PromiseLike<unknown>>>;
    const expect = async (calls: Calls, code: string): Promise<void> => {
      const codes = [];
      for (const [call, make] of Object.entries(calls)) codes.push(`${call} ${await codeOf(make())}`);
      assert.deepEqual(
        codes,
        Object.keys(calls).map((call) => `${call} ${code}`),
      );
    };

    test("a pair has one channel, which either of them may ask for; with another peer it is another one", async () => {
      const again = await people.bob.client.call("createChannel", { peerKey: people.alice.key });
      assert.deepEqual([Buffer.compare(again.channelId, channelId), again.wasNew], [0, false]);
      const other = await people.bob.client.call("createChannel", { peerKey: people.carol.key });
      assert.deepEqual([Buffer.compare(other.channelId, channelId) === 0, other.wasNew], [false, true]);
    });

    test("both members send into it and read their own inbox in it, by every method", async () => {
      const { alice, bob } = people;
      await expect(sendings(alice, bob.key), "accepted");
      await expect(sendings(bob, alice.key), "accepted");
      await expect(readings(alice, alice.key), "accepted");
      await expect(readings(bob, bob.key), "accepted");
      const { payloads } = await bob.client.call("peek", { recipientKey: bob.key, channelId });
      assert.equal(payloads.length, 4);
      assert.equal((await bob.client.call("peek", { recipientKey: bob.key })).payloads.length, 0, "another inbox");
    });

    test("nobody else sends into it or reads from it, by any method", async () => {
      const { alice, bob, carol } = people;
      await expect(sendings(carol, alice.key), "E022_CHANNEL_ACCESS_DENIED");
      await expect(sendings(carol, carol.key), "E022_CHANNEL_ACCESS_DENIED");
      await expect(readings(carol, carol.key), "E022_CHANNEL_ACCESS_DENIED");
      await expect(readings(carol, bob.key), "E006_FORBIDDEN");
    });

    test("a member sends to the other member in it, and to nobody else; it does not read what is the other's", async () => {
      const { alice, bob, carol } = people;
      await expect(sendings(alice, carol.key), "E022_CHANNEL_ACCESS_DENIED");
      await expect(readings(alice, bob.key), "E006_FORBIDDEN");
      const both = { recipientKeys: [bob.key, carol.key], channelId, payload };
      assert.equal(await codeOf(alice.client.call("batchEnqueue", both)), "E022_CHANNEL_ACCESS_DENIED");
      const inChannel = { recipientKey: bob.key, channelId, payload };
      using session = new RawSession(alice.client.service, alice.token);
      const before = (await bob.client.call("peek", { recipientKey: bob.key, channelId })).payloads.length;
      assert.equal(
        await codeOf(session.send([inChannel, { ...inChannel, recipientKey: carol.key }])),
        "E022_CHANNEL_ACCESS_DENIED",
      );
      const { payloads } = await bob.client.call("peek", { recipientKey: bob.key, channelId });
      assert.equal(payloads.length, before, "nothing of it was stored");
    });

    test("a channel that nobody has made is E023_CHANNEL_NOT_FOUND, to the holder of the static token too", async () => {
      const { alice, bob } = people;
      const unknown = new Uint8Array(16).fill(7);
      await expect(sendings(alice, bob.key, unknown), "E023_CHANNEL_NOT_FOUND");
      await expect(readings(alice, alice.key, unknown), "E023_CHANNEL_NOT_FOUND");
      using client = await RawClient.connect(server);
      const operator = { ...alice, client, token: Buffer.from(server.token) };
      await expect(sendings(operator, bob.key, unknown), "E023_CHANNEL_NOT_FOUND");
      await expect(readings(operator, bob.key, unknown), "E023_CHANNEL_NOT_FOUND");
      await expect(readings(operator, bob.key), "accepted");
      await expect(sendings(operator, people.carol.key), "E022_CHANNEL_ACCESS_DENIED");
    });

    test("the static token makes none, a wrong peer is refused, and too many are told to wait", async () => {
      const { alice, carol } = people;
      using operator = await RawClient.connect(server);
      const create = (client: RawClient, peerKey: Uint8Array) => codeOf(client.call("createChannel", { peerKey }));
      assert.equal(await create(operator, alice.key), "E006_FORBIDDEN");
      assert.equal(await create(carol.client, carol.key), "E001_BAD_REQUEST");
      assert.equal(await create(carol.client, new Uint8Array(32)), "E001_BAD_REQUEST");
      assert.equal(await create(carol.client, new Uint8Array(31)), "E007_KEY_LENGTH");
      const codes = new Set<string>();
      for (let n = 1; n <= 40; n++) codes.add(await create(carol.client, new Uint8Array(32).fill(n)));
      assert.deepEqual([...codes], ["accepted", "E018_RATE_LIMIT"]);
    });
  });
}

test("at a server of several workers a channel that was made at one is known at all, and to its members alone", async () => {
  await using server = await startServerProcess({ settings: { workers: 2 } });
  const people = [await arrive(server, "alice"), await arrive(server, "bob"), await arrive(server, "carol")] as const;
  const [alice, bob, carol] = people;
  using atAlice = await RawClient.connect(server, { token: alice.token });
  const { channelId } = await atAlice.call("createChannel", { peerKey: bob.identity.identityKey });
  // the kernel gives each connection to some worker
  for (let n = 0; n < 8; n++) {
    using atBob = await RawClient.connect(server, { token: bob.token });
    using atCarol = await RawClient.connect(server, { token: carol.token });
    const inChannel = { channelId, payload };
    await atBob.call("enqueue", { recipientKey: alice.identity.identityKey, ...inChannel });
    const refused = atCarol.call("enqueue", { recipientKey: alice.identity.identityKey, ...inChannel });
    assert.equal(await codeOf(refused), "E022_CHANNEL_ACCESS_DENIED");
  }
  const { payloads } = await atAlice.call("peek", { recipientKey: alice.identity.identityKey, channelId });
  assert.equal(payloads.length, 8);
});
