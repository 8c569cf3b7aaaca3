/** What members and strangers can send, and what they cannot do with it. Every limit of the client is met here. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { encodeAppMessage, HybridKeyPair, MlsKeyPackage, parseKeyPackage, sealEnvelope } from "quicproquo-core";
import type { Person } from "./person.ts";
import type { RawMember } from "./raw-member.ts";
import { Rig, bodiesOf, chat, kindsOf, reasonsOf } from "./rig.ts";

const rig = await Rig.start();
after(() => rig.close());

/** A group of a client and a hostile member, both of which have caught up. */
async function groupWithRaw(person: Person): Promise<{ raw: RawMember; id: string }> {
  const raw = await rig.raw();
  await raw.publish();
  const id = await person.chat.createGroup();
  await person.chat.invite(id, raw.key);
  await raw.follow();
  return { raw, id };
}

function content(body: string): Uint8Array {
  return encodeAppMessage(chat(body));
}

test("rubbish, strangers' envelopes and messages of unknown groups are told, passed over, and change nothing", async () => {
  const alice = await rig.person("alice");
  const { raw } = await groupWithRaw(alice);
  const elsewhere = await rig.raw();
  await elsewhere.found(new Uint8Array(16).fill(9));
  const good = await raw.encrypt(content("good"));
  const rubbish = [
    Uint8Array.of(0),
    Uint8Array.of(1),
    new Uint8Array(2_000).fill(1),
    new Uint8Array(randomBytes(500)),
    sealEnvelope(HybridKeyPair.generate().publicKey, good),
    // an envelope in an envelope is no MLSMessage
    sealEnvelope(alice.state.hybridKeyPair.publicKey, sealEnvelope(alice.state.hybridKeyPair.publicKey, good)),
    await elsewhere.encrypt(content("who are you?")),
    good.subarray(0, good.length - 1),
    Uint8Array.of(...good, 0),
  ];
  for (const payload of rubbish) await raw.enqueue(alice.key, payload);
  await raw.enqueue(alice.key, sealEnvelope(alice.state.hybridKeyPair.publicKey, good));
  const events = await alice.sync();
  assert.equal(reasonsOf(events).length, rubbish.length);
  assert.deepEqual(bodiesOf(events), ["good"]);
  assert.deepEqual(await alice.sync(), []);
});

test("an altered message is refused once, and the true one is still read; a repeated one is refused", async () => {
  const alice = await rig.person("alice");
  const { raw } = await groupWithRaw(alice);
  const good = await raw.encrypt(content("good"));
  const altered = Uint8Array.from(good);
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  for (const payload of [altered, good, good]) await raw.enqueue(alice.key, payload);
  assert.deepEqual(kindsOf(await alice.sync()), ["refused", "message", "refused"]);
});

test("a malformed application message of a true member is refused, and the next one is read", async () => {
  const alice = await rig.person("alice");
  const { raw } = await groupWithRaw(alice);
  for (const bytes of [Uint8Array.of(1, 1, 0), Uint8Array.of(1, 10, 1, 0xff)]) {
    await raw.enqueue(alice.key, await raw.encrypt(bytes));
  }
  await raw.enqueue(alice.key, await raw.encrypt(content("well-formed")));
  const events = await alice.sync();
  assert.deepEqual(reasonsOf(events), Array(2).fill("a member sent a malformed message"));
  assert.deepEqual(bodiesOf(events), ["well-formed"]);
});

test("messages of epochs to come wait for their commits, and survive a restart meanwhile", async () => {
  const alice = await rig.person("alice");
  const { raw } = await groupWithRaw(alice);
  const commits = [await raw.commit({}, { deliver: false }), await raw.commit({}, { deliver: false })];
  await raw.enqueue(alice.key, await raw.encrypt(content("two epochs ahead")));
  await raw.enqueue(alice.key, commits[1] as Uint8Array);
  assert.deepEqual(await alice.sync(), []);
  const again = await rig.reopened(alice);
  await raw.enqueue(alice.key, commits[0] as Uint8Array);
  assert.deepEqual(kindsOf(await again.sync()), ["keysUpdated", "keysUpdated", "message"]);
});

test("of messages of epochs to come a bounded number is kept; beyond it the group is put to the test", async () => {
  const alice = await rig.person("alice", { limits: { futureMessagesMax: 2 } });
  const { raw } = await groupWithRaw(alice);
  const hidden = await raw.commit({}, { deliver: false });
  for (let i = 0; i < 3; i++) await raw.enqueue(alice.key, await raw.encrypt(content(String(i))));
  // put to the test: the renewal of her keys loses, and the commit that won is nowhere
  assert.deepEqual(kindsOf(await alice.sync()), ["refused", "broken"]);
  await raw.enqueue(alice.key, hidden);
  assert.deepEqual(await alice.sync(), []);
});

test("messages of epochs to come are bounded in bytes, too", async () => {
  const alice = await rig.person("alice", { limits: { futureBytesMax: 6_000 } });
  const { raw } = await groupWithRaw(alice);
  await raw.commit({}, { deliver: false });
  await raw.enqueue(alice.key, await raw.encrypt(content("x".repeat(3_000))));
  assert.deepEqual(await alice.sync(), []);
  await raw.enqueue(alice.key, await raw.encrypt(content("x".repeat(3_000))));
  assert.deepEqual(kindsOf(await alice.sync()), ["refused", "broken"]);
});

test("a message that comes many epochs late is dropped and counted", async () => {
  const alice = await rig.person("alice");
  const { raw, id } = await groupWithRaw(alice);
  const late = await raw.encrypt(content("late"));
  for (let i = 0; i < 6; i++) await raw.commit();
  await raw.enqueue(alice.key, late);
  assert.deepEqual(bodiesOf(await alice.sync()), []);
  assert.equal(alice.chat.list()[0]?.pastCount, 1);
  assert.equal((await alice.chat.send(id, chat("go on"))).status, "sent");
});

test("a commit that does not verify is refused, and the conversation goes on", async () => {
  const alice = await rig.person("alice");
  const { raw, id } = await groupWithRaw(alice);
  const { commit } = await raw.group.commit();
  const altered = Uint8Array.from(commit);
  altered[altered.length - 20] = (altered.at(-20) ?? 0) ^ 1;
  await raw.enqueue(alice.key, altered);
  assert.deepEqual(kindsOf(await alice.sync()), ["refused"]);
  await alice.chat.update(id);
});

test("a Welcome for a group that goes on, for a past epoch, for no package of mine, or altered, is refused", async () => {
  const alice = await rig.person("alice");
  await alice.chat.publishKeys();
  const raw = await rig.raw();
  await raw.found(new Uint8Array(randomBytes(16)));
  const now = Date.now();
  // 21 packages: the pool, and then the last resort, which may be used again
  let lastResort: Uint8Array = new Uint8Array();
  for (let i = 0; i < 21; i++) lastResort = await raw.keyPackageOf(alice.key);
  await raw.commit({ add: [await parseKeyPackage(lastResort, alice.key, now)] });
  const welcome = (await raw.inboxOf(alice.key)).at(-1)?.data as Uint8Array;
  assert.deepEqual(kindsOf(await alice.sync()), ["joined"]);
  await raw.enqueue(alice.key, welcome);
  assert.deepEqual(reasonsOf(await alice.sync()), ["this client is a member already"]);
  await raw.follow();
  const leaf = raw.group.members.find(({ identityKey }) => identityKey.toHex() === alice.key.toHex())?.leafIndex ?? -1;
  await raw.commit({ remove: [leaf] });
  assert.deepEqual(kindsOf(await alice.sync()), ["left"]);
  await raw.enqueue(alice.key, welcome);
  assert.deepEqual(reasonsOf(await alice.sync()), ["it is an invitation to a past epoch"]);
  const altered = Uint8Array.from(welcome);
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  await raw.enqueue(alice.key, altered);
  const stranger = await MlsKeyPackage.generate(raw.identity, { nowMs: now, lastResort: false });
  const foreign = await rig.raw();
  await foreign.found(new Uint8Array(randomBytes(16)));
  await foreign.commit({ add: [await parseKeyPackage(stranger.public, raw.key, now)] });
  const notMine = (await raw.inboxOf(raw.key)).at(-1)?.data as Uint8Array;
  await raw.enqueue(alice.key, notMine);
  assert.deepEqual(kindsOf(await alice.sync()), ["refused", "refused"]);
  assert.equal(alice.chat.list().length, 1);
});

test("invitations beyond the number of conversations, and into groups with odd ids, are refused", async () => {
  const alice = await rig.person("alice", { limits: { conversationsMax: 2 } });
  await alice.chat.publishKeys();
  await alice.chat.createGroup();
  const odd = await rig.raw();
  await odd.found(new Uint8Array(33));
  const [first, second] = [await rig.raw(), await rig.raw()];
  for (const raw of [first, second]) await raw.found(new Uint8Array(randomBytes(16)));
  for (const raw of [odd, first, second]) {
    await raw.commit({ add: [await parseKeyPackage(await raw.keyPackageOf(alice.key), alice.key, Date.now())] });
  }
  const events = await alice.sync();
  assert.deepEqual(kindsOf(events), ["refused", "joined", "refused"]);
  assert.deepEqual(reasonsOf(events), ["the group's id has an unusual length", "this client is in too many groups"]);
  await assert.rejects(alice.chat.createGroup(), /E021_OVERLOADED max=2/);
});

test("events that nobody takes are bounded: the oldest go, and how many is told", async () => {
  const alice = await rig.person("alice", { limits: { eventsMax: 3 } });
  const { raw, id } = await groupWithRaw(alice);
  for (let i = 0; i < 8; i++) await raw.enqueue(alice.key, await raw.encrypt(content(String(i))));
  const events = await alice.sync();
  assert.deepEqual(events[0], { kind: "eventsDropped", count: 5 });
  assert.deepEqual(bodiesOf(events), ["5", "6", "7"]);
  assert.equal((await alice.chat.history(id)).length, 8);
});

test("an invitation is refused when the server gives somebody else's package, none, or one for a full group", async () => {
  const alice = await rig.person("alice", { limits: { groupMembersMax: 2 } });
  const [bob, silent] = [await rig.person("bob"), await rig.person("silent")];
  await bob.chat.publishKeys();
  const id = await alice.chat.createGroup();
  await assert.rejects(alice.chat.invite(id, silent.key), /E051_NO_KEY_PACKAGE/);
  const raw = await rig.raw();
  await raw.publishFor(silent.key); // only a server, or the static token, can put it there
  await assert.rejects(alice.chat.invite(id, silent.key), /E055_KEY_PACKAGE.*another identity/);
  await raw.publish();
  await alice.chat.invite(id, raw.key);
  await assert.rejects(alice.chat.invite(id, bob.key), /E016_TOO_MANY_RECIPIENTS max=2/);
  assert.equal((await alice.chat.send(id, chat("go on"))).status, "sent");
});

test("forged messages of epochs to come cost a group one renewal of keys at most, and break nothing", async () => {
  const alice = await rig.person("alice", { limits: { futureMessagesMax: 3 } });
  const { raw, id } = await groupWithRaw(alice);
  const before = alice.chat.list()[0]?.epoch ?? 0n;
  const forged = await raw.encrypt(content("from this epoch"));
  forged[4 + 1 + 16 + 6] = 1; // the epoch's last byte but one: 256 epochs ahead
  for (let i = 0; i < 8; i++) await raw.enqueue(alice.key, forged);
  assert.deepEqual(kindsOf(await alice.sync()), Array(5).fill("refused"));
  assert.equal(alice.chat.list()[0]?.epoch, before + 1n);
  assert.deepEqual((await alice.records.list(`future/${id}`)).length, 0);
  await raw.follow();
  await raw.enqueue(alice.key, await raw.encrypt(content("a true one")));
  assert.deepEqual(bodiesOf(await alice.sync()), ["a true one"]);
});

test("a name that the format cannot hold makes no group, and nobody can commit their own removal", async () => {
  const alice = await rig.person("alice");
  await assert.rejects(alice.chat.createGroup("x".repeat(256)), /E001_BAD_REQUEST/);
  assert.equal(alice.chat.list().length, 0);
  const { id } = await groupWithRaw(alice);
  await assert.rejects(alice.chat.remove(id, alice.key), /E059_GROUP_CHANGE/);
  await assert.rejects(alice.chat.send("00".repeat(16), chat("nowhere")), /E052/);
});
