/** Payloads in hybrid envelopes: for whom, for what, and within which bounds. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { generateClientState, openRecordFile } from "quicproquo-core";
import { chatLimits } from "../src/chat/chat-limits.ts";
import { EventLog } from "../src/chat/event-log.ts";
import { HybridKeys } from "../src/chat/hybrid-keys.ts";
import type { MailServer } from "../src/chat/mail-server.ts";
import { temporaryFolder } from "./person.ts";
import { Rig, bodiesOf, chat, kindsOf } from "./rig.ts";

const rig = await Rig.start();
const folder = temporaryFolder();
after(async () => {
  await rig.close();
  folder.remove();
});

const isEnvelope = ({ data }: { data: Uint8Array }): boolean => data[0] === 1;

test("every payload for a peer with a hybrid key is wrapped: Welcome, Commit, message, proposal", async () => {
  const alice = await rig.person("alice", { hybrid: "whenAvailable" });
  const [bob, carol] = [await rig.person("bob", { hybrid: "whenAvailable" }), await rig.person("carol")];
  const raw = await rig.raw();
  for (const { chat } of [alice, bob, carol]) await chat.publishKeys();
  const id = await alice.chat.createGroup();
  for (const { key } of [bob, carol]) await alice.chat.invite(id, key);
  await alice.chat.send(id, chat("wrapped"));
  const forBob = await raw.inboxOf(bob.key); // Welcome, Commit, message
  await bob.sync();
  await bob.chat.leave(id);
  const forCarol = await raw.inboxOf(carol.key); // Welcome, message, proposal
  assert.deepEqual([forBob.length, forCarol.length], [3, 3]);
  assert.ok([...forBob, ...forCarol].every(isEnvelope));
  assert.deepEqual(bodiesOf(await carol.sync()), ["wrapped"]);
  assert.deepEqual(
    (await bob.chat.history(id)).map(({ message }) => message.type),
    ["chat"],
  );
});

test("a member without a hybrid key gets payloads as they are, and the others their envelopes", async () => {
  const alice = await rig.person("alice", { hybrid: "whenAvailable" });
  const bob = await rig.person("bob");
  const plain = await rig.raw(); // never publishes a hybrid key
  await plain.publish();
  const id = await rig.group(alice, bob);
  await alice.chat.invite(id, plain.key);
  await alice.chat.send(id, chat("for both"));
  assert.ok((await plain.inboxOf(plain.key)).every((one) => !isEnvelope(one)));
  assert.ok((await plain.inboxOf(bob.key)).every(isEnvelope));
  await plain.follow();
  assert.equal(plain.group.members.length, 3);
  assert.deepEqual(bodiesOf(await bob.sync()), ["for both"]);
});

test("without the option nothing is wrapped, and what is wrapped for me opens all the same", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob", { hybrid: "whenAvailable" })];
  const raw = await rig.raw();
  await alice.chat.publishKeys();
  const id = await rig.group(alice, bob);
  await alice.chat.send(id, chat("plain"));
  await bob.chat.send(id, chat("wrapped"));
  assert.ok(!(await raw.inboxOf(bob.key)).some(isEnvelope));
  assert.ok((await raw.inboxOf(alice.key)).every(isEnvelope));
  assert.deepEqual(bodiesOf(await alice.sync()), ["wrapped"]);
});

test("where wrapped commits would not fit one call only the Welcome is wrapped, and an event says so", async () => {
  const alice = await rig.person("alice", { hybrid: "whenAvailable", limits: { commitBytesMax: 4_000 } });
  const [bob, carol] = [await rig.person("bob"), await rig.person("carol")];
  const raw = await rig.raw();
  const id = await rig.group(alice, bob);
  await carol.chat.publishKeys();
  await alice.chat.invite(id, carol.key);
  assert.deepEqual(kindsOf(await alice.sync()), ["commitUnwrapped"]);
  assert.ok((await raw.inboxOf(carol.key)).every(isEnvelope));
  assert.ok((await raw.inboxOf(bob.key)).some((one) => !isEnvelope(one)));
  await alice.chat.send(id, chat("all are here"));
  for (const person of [bob, carol]) assert.deepEqual(bodiesOf(await person.sync()), ["all are here"]);
});

/** The real server refuses an unsigned key, so the lie is told in its place. */
async function keysOfLyingServer(cachedMax = 10, clock: () => number = Date.now) {
  const states = Array.from({ length: 4 }, () => generateClientState());
  const file = join(folder.path, `liar-${cachedMax}.db`);
  const records = openRecordFile({ file, databaseKey: (states[0] as (typeof states)[0]).databaseKey });
  const asked: number[] = [];
  const server = {
    fetchHybridKeys: async (identities: readonly Uint8Array[]) => {
      asked.push(identities.length);
      return {
        hybridPublicKeys: identities.map((_, i) =>
          i % 2 === 0 ? generateClientState().hybridKeyPair.publicKey : new Uint8Array(),
        ),
        signatures: identities.map((_, i) => new Uint8Array(i % 2 === 0 ? 64 : 0)),
      };
    },
  } as unknown as MailServer;
  const events = await EventLog.open(records, 10);
  const limits = { ...chatLimits, hybridKeysCachedMax: cachedMax };
  const keys = new HybridKeys({ server, events, limits, clock, mode: "whenAvailable" });
  return { keys, events, asked, records, identities: states.map(({ identity }) => identity.identityKey) };
}

test("a hybrid key that its owner did not sign is not used, and an event names whose it should have been", async () => {
  const { keys, events, records, identities } = await keysOfLyingServer();
  assert.equal((await keys.keysOf(identities.slice(0, 2))).size, 0);
  const event = events.peek();
  assert.ok(event?.kind === "hybridKeyRefused");
  assert.deepEqual(event.member, identities[0]);
  await records.close();
});

test("keys are asked for once, the absent ones again after a while, and the cache is bounded", async () => {
  let nowMs = 0;
  const { keys, asked, records, identities } = await keysOfLyingServer(3, () => nowMs);
  await keys.keysOf(identities.slice(0, 3));
  await keys.keysOf(identities.slice(0, 3));
  assert.deepEqual(asked, [3]);
  nowMs += chatLimits.hybridKeyAbsentMs;
  await keys.keysOf(identities.slice(1, 2));
  assert.deepEqual(asked, [3, 1]);
  await keys.keysOf(identities.slice(3));
  await keys.keysOf(identities.slice(0, 1)); // the oldest has made room
  assert.deepEqual(asked, [3, 1, 1, 1]);
  await records.close();
});
