/** Several members change a group at once: one wins each epoch, and the others' intents are not lost. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { Checkpoint } from "quicproquo-sdk";
import { Rig, bodiesOf, chat, kindsOf } from "./rig.ts";

const rig = await Rig.start();
after(() => rig.close());

test("members who renew their keys at once all succeed, one epoch each", async () => {
  const people = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")] as const;
  const [alice, bob, carol] = people;
  const id = await rig.group(...people);
  await alice.sync();
  const before = alice.chat.list()[0]?.epoch ?? 0n;
  await Promise.all(people.flatMap(({ chat }) => [chat.update(id), chat.update(id)]));
  for (const person of people) await person.sync();
  const [epochs, authenticators] = [new Set<bigint>(), new Set<string>()];
  for (const { chat } of people) {
    const [conversation] = chat.list();
    assert.ok(conversation !== undefined);
    epochs.add(conversation.epoch);
    authenticators.add(conversation.epochAuthenticator.toHex());
  }
  assert.deepEqual([...epochs], [before + 6n]);
  assert.equal(authenticators.size, 1);
  await bob.chat.send(id, chat("still one group"));
  assert.deepEqual(bodiesOf(await carol.sync()), ["still one group"]);
});

test("two who invite the same person at once add it once", async () => {
  const [alice, bob, carol] = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")];
  const id = await rig.group(alice, bob);
  await carol.chat.publishKeys();
  await Promise.all([alice.chat.invite(id, carol.key), bob.chat.invite(id, carol.key)]);
  for (const person of [alice, bob]) {
    await person.sync();
    assert.equal(person.chat.members(id).length, 3);
  }
  assert.deepEqual(kindsOf(await carol.sync()), ["joined"]);
});

test("a removal that loses its epoch is carried out in the next, and one that another has done already is not repeated", async () => {
  const people = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")] as const;
  const [alice, bob, carol] = people;
  const id = await rig.group(...people);
  await bob.sync();
  const before = bob.chat.list()[0]?.epoch ?? 0n;
  await Promise.all([alice.chat.remove(id, carol.key), bob.chat.remove(id, carol.key)]);
  for (const person of [alice, bob]) {
    await person.sync();
    assert.equal(person.chat.members(id).length, 2);
    assert.equal(person.chat.list()[0]?.epoch, before + 1n);
  }
  assert.deepEqual(kindsOf(await carol.sync()).at(-1), "left");
});

test("a change that loses too often is given up, and the conversation goes on", async () => {
  const alice = await rig.person("alice");
  const rival = await rig.raw();
  await rival.publish();
  const id = await alice.chat.createGroup();
  await alice.chat.invite(id, rival.key);
  let losses = 0;
  const checkpoint: Checkpoint = async (name) => {
    if (name !== "commit: durable") return;
    losses++;
    await rival.follow();
    await rival.commit(); // always first
  };
  const loser = await rig.reopened(alice, { limits: { commitTriesMax: 3 }, checkpoint });
  await assert.rejects(loser.chat.update(id), /E054_COMMITS_CONTENDED tries=3/);
  assert.equal(losses, 3);
  assert.equal((await loser.chat.send(id, chat("anyway"))).status, "sent");
  const later = await rig.reopened(loser);
  await later.chat.update(id);
});

test("an intent that lost just before its process died is carried on by the next one", async () => {
  const [alice, bob, carol] = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")];
  const id = await rig.group(alice, bob);
  await carol.chat.publishKeys();
  const lost = Promise.withResolvers<void>();
  const dying = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name === "commit: made") await bob.chat.update(id);
      if (name !== "commit: settled") return;
      lost.resolve();
      await new Promise(() => {});
    },
  });
  void dying.chat.invite(id, carol.key).catch(() => {});
  await lost.promise;
  const next = await rig.reopened(dying);
  assert.equal(next.chat.members(id).length, 2);
  await next.sync();
  assert.equal(next.chat.members(id).length, 3);
  assert.deepEqual(kindsOf(await carol.sync()), ["joined"]);
});

test("a change whose member is removed while it loses says that the conversation is over", async () => {
  const alice = await rig.person("alice");
  const rival = await rig.raw();
  await rival.publish();
  const id = await alice.chat.createGroup();
  await alice.chat.invite(id, rival.key);
  const loser = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name !== "commit: durable") return;
      await rival.follow();
      await rival.commit({ remove: [0] });
    },
  });
  await assert.rejects(loser.chat.update(id), /E053_CONVERSATION_ENDED/);
  assert.deepEqual(kindsOf(await loser.sync()), ["left"]);
});

test("an interrupted invitation that cannot be carried out any more is told", async () => {
  const [alice, carol] = [await rig.person("alice"), await rig.person("carol")];
  const rival = await rig.raw();
  await rival.publish();
  await carol.chat.publishKeys();
  const id = await alice.chat.createGroup();
  await alice.chat.invite(id, rival.key);
  const lost = Promise.withResolvers<void>();
  const dying = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name === "commit: durable") await rival.follow().then(() => rival.commit());
      if (name !== "commit: settled") return;
      lost.resolve();
      await new Promise(() => {});
    },
  });
  void dying.chat.invite(id, carol.key).catch(() => {});
  await lost.promise;
  // carol's KeyPackage has lived its day when the next process finds the intent
  const next = await rig.reopened(dying, { clock: () => Date.now() + 2 * 86_400_000 });
  const events = await next.sync();
  assert.deepEqual(kindsOf(events), ["keysUpdated", "changeFailed"]);
  assert.equal((await next.chat.send(id, chat("go on"))).status, "sent");
});

test("a commit that cannot be answered for stays staged, and the next step begins with it", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  let isCut = true;
  const cut = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name !== "commit: submitted" || !isCut) return;
      isCut = false;
      throw new QpqError("E042_CONNECTION_LOST");
    },
  });
  const before = cut.chat.list()[0]?.epoch ?? 0n;
  await assert.rejects(cut.chat.update(id), /E042/);
  assert.equal(cut.chat.list()[0]?.epoch, before, "not true before it is known to be accepted");
  await cut.chat.send(id, chat("in the new epoch"));
  assert.equal(cut.chat.list()[0]?.epoch, before + 1n);
  assert.deepEqual(bodiesOf(await bob.sync()), ["in the new epoch"]);
});
