/** Conversations between real clients on a real server process: what people do with them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Rig, bodiesOf, chat, kindsOf } from "./rig.ts";

const rig = await Rig.start();
after(() => rig.close());

test("two people talk after an invitation, and both know the conversation's name", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  assert.deepEqual(await bob.chat.publishKeys(), { keyPackages: 20, lastResort: true, hybridKey: true });
  const id = await alice.chat.createGroup("plans");
  await alice.chat.invite(id, bob.key);
  assert.deepEqual(kindsOf(await bob.sync()), ["joined", "message"]);
  await alice.chat.send(id, chat("hello"));
  assert.deepEqual(bodiesOf(await bob.sync()), ["hello"]);
  await bob.chat.send(id, chat("hello yourself"));
  assert.deepEqual(bodiesOf(await alice.sync()), ["hello yourself"]);
  const history = (await alice.chat.history(id)).map(({ status, message }) => [status, message.type]);
  assert.deepEqual(history, [
    ["sent", "groupName"],
    ["sent", "chat"],
    ["received", "chat"],
  ]);
  for (const address of ["plans", id, id.slice(0, 8)]) assert.equal(bob.chat.find(address), id);
  assert.equal(bob.chat.find(alice.key.toHex()), id);
  assert.equal(alice.chat.find(bob.key.toHex().slice(0, 12)), id);
  assert.throws(() => alice.chat.find(alice.key.toHex()), /E052/);
  assert.throws(() => alice.chat.find("nowhere"), /E052/);
});

test("an alias is for oneself, and a name that two conversations have is not taken for either", async () => {
  let calls = 0;
  const alice = await rig.person("alice", { clock: () => Date.now() + calls++ });
  const [first, second] = [await alice.chat.createGroup("twin"), await alice.chat.createGroup("twin")];
  assert.throws(() => alice.chat.find("twin"), /E052_CONVERSATION_UNKNOWN matching=2 several conversations match/);
  await alice.chat.setAlias(second, "the other");
  assert.equal(alice.chat.find("the other"), second);
  const again = await rig.reopened(alice);
  assert.equal(again.chat.find("the other"), second);
  assert.deepEqual(
    again.chat.list().map(({ id }) => id),
    [first, second],
  );
});

test("fifty parallel sends of each of two members all arrive, in the order of their calls", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  const numbers = Array.from({ length: 50 }, (_, i) => String(i));
  const sent = await Promise.all(
    [alice, bob].flatMap((person) => numbers.map((body) => person.chat.send(id, chat(body)))),
  );
  assert.ok(sent.every(({ status }) => status === "sent"));
  assert.deepEqual(bodiesOf(await alice.sync()), numbers);
  assert.deepEqual(bodiesOf(await bob.sync()), numbers);
});

test("a third member reads what is said after its arrival, and nothing after its removal", async () => {
  const [alice, bob, carol] = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")];
  const id = await rig.group(alice, bob);
  await alice.chat.send(id, chat("before"));
  await carol.chat.publishKeys();
  await bob.chat.invite(id, carol.key);
  await alice.chat.send(id, chat("between"));
  assert.deepEqual(bodiesOf(await carol.sync()), ["between"]);
  assert.deepEqual(kindsOf(await alice.sync()), ["memberAdded"]);
  await alice.chat.remove(id, carol.key);
  await alice.chat.send(id, chat("after"));
  assert.deepEqual(kindsOf(await carol.sync()), ["left"]);
  assert.deepEqual(bodiesOf(await bob.sync()), ["before", "between", "after"]);
  assert.equal(carol.chat.list()[0]?.status, "left");
  await assert.rejects(carol.chat.send(id, chat("still here?")), /E053_CONVERSATION_ENDED/);
  await alice.chat.invite(id, carol.key);
  await alice.chat.send(id, chat("back"));
  assert.deepEqual(bodiesOf(await carol.sync()), ["back"]);
  assert.deepEqual(
    (await carol.chat.history(id)).map(({ message }) => message.type === "chat" && message.body),
    ["between", "back"],
  );
});

test("who leaves is out when the member with the lowest leaf has synced, and only that one commits", async () => {
  const [alice, bob, carol] = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")];
  const id = await rig.group(alice, bob, carol);
  await carol.chat.leave(id);
  assert.equal(carol.chat.list()[0]?.status, "leaving");
  await assert.rejects(carol.chat.send(id, chat("one more thing")), /E053.*asked to leave/);
  assert.deepEqual(kindsOf(await bob.sync()).slice(-1), ["memberLeaving"]);
  assert.deepEqual(bob.chat.members(id).length, 3);
  assert.deepEqual(kindsOf(await alice.sync()), ["memberLeaving"]);
  assert.deepEqual(alice.chat.members(id).length, 2);
  assert.deepEqual(kindsOf(await bob.sync()), ["memberRemoved"]);
  assert.deepEqual(kindsOf(await carol.sync()), ["left"]);
});

test("a leave that an unrelated commit has voided is proposed again", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  // alice's commit is made, and not yet there, when bob proposes in the same epoch
  let leaves = 0;
  const racing = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name === "commit: made" && leaves++ === 0) await bob.chat.leave(id);
    },
  });
  await racing.chat.update(id);
  await racing.sync();
  assert.equal(racing.chat.members(id).length, 2);
  await bob.sync();
  await racing.sync();
  assert.deepEqual(kindsOf(await bob.sync()), ["left"]);
  assert.equal(racing.chat.members(id).length, 1);
});

test("a send commits first what others have proposed", async () => {
  const [alice, bob, carol] = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")];
  const id = await rig.group(alice, bob, carol);
  await carol.chat.leave(id);
  const { status } = await bob.chat.send(id, chat("goodbye carol"));
  assert.equal(status, "sent");
  assert.deepEqual(bodiesOf(await alice.sync()), ["goodbye carol"]);
  assert.deepEqual(bodiesOf(await carol.sync()), []);
});

test("who is alone is out of its group at once", async () => {
  const alice = await rig.person("alice");
  const id = await alice.chat.createGroup();
  assert.equal((await alice.chat.send(id, chat("note to self"))).status, "sent");
  await alice.chat.update(id);
  await alice.chat.leave(id);
  assert.equal(alice.chat.list()[0]?.status, "left");
});

test("an edit and a deletion count only from the author of what they refer to", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  const [kept, edited, gone] = [chat("kept"), chat("first"), chat("gone")];
  for (const message of [kept, edited, gone]) await alice.chat.send(id, message);
  await alice.chat.send(id, { type: "edit", ref: edited.msgId, body: "second" });
  await alice.chat.send(id, { type: "delete", ref: gone.msgId });
  await bob.chat.send(id, { type: "edit", ref: kept.msgId, body: "forged" });
  await bob.chat.send(id, { type: "delete", ref: kept.msgId });
  // an id that is taken stays its first user's
  await bob.chat.send(id, { ...kept, body: "impostor" });
  await bob.chat.send(id, { type: "delete", ref: kept.msgId });
  for (const person of [alice, bob]) {
    await person.sync();
    const history = await person.chat.history(id);
    const seen = history.flatMap(({ message, editedBody, sender }) =>
      sender.toHex() === alice.key.toHex()
        ? [message.type === "chat" ? (editedBody ?? message.body) : message.type]
        : [],
    );
    assert.deepEqual(seen, ["kept", "second", "delete", "edit", "delete"], person.name);
    assert.ok(!history.some(({ message }) => message.type === "chat" && message.body === "gone"));
  }
});

test("typing is told and not kept; a type of a later version is kept and told as unsupported", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  await alice.chat.send(id, { type: "typing", active: true });
  await alice.chat.send(id, { type: "unsupported", code: 77, bytes: Uint8Array.of(1, 77, 5) });
  const events = (await bob.sync()).filter((event) => event.kind === "message");
  assert.deepEqual(
    events.map(({ number, message }) => [number, message.type]),
    [
      [undefined, "typing"],
      [1, "unsupported"],
    ],
  );
  assert.deepEqual(
    (await bob.chat.history(id)).map(({ message }) => message.type),
    ["unsupported"],
  );
});

test("the history is read in pages from its end", async () => {
  const alice = await rig.person("alice");
  const id = await alice.chat.createGroup();
  for (let i = 1; i <= 7; i++) await alice.chat.send(id, chat(String(i)));
  const numbersOf = async (options: { limit: number; before?: number }): Promise<number[]> =>
    (await alice.chat.history(id, options)).map(({ number }) => number);
  assert.deepEqual(await numbersOf({ limit: 3 }), [5, 6, 7]);
  assert.deepEqual(await numbersOf({ limit: 3, before: 5 }), [2, 3, 4]);
  assert.deepEqual(await numbersOf({ limit: 3, before: 2 }), [1]);
});

test("following tells of what comes while it waits, and ends at the signal", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  const stop = new AbortController();
  const seen: string[] = [];
  await alice.chat.send(id, chat("are you there?"));
  for await (const event of bob.chat.sync({ follow: true, signal: stop.signal })) {
    seen.push(...bodiesOf([event]));
    if (seen.length === 1) await bob.chat.send(id, chat("yes"));
    if (seen.length === 1) setImmediate(() => void alice.chat.send(id, chat("good"))); // while bob waits
    if (seen.length === 2) stop.abort();
  }
  assert.deepEqual(seen, ["are you there?", "good"]);
  assert.deepEqual(bodiesOf(await alice.sync()), ["yes"]);
  await assert.rejects(async () => {
    for await (const _ of bob.chat.sync()) break;
    const [one, other] = [bob.chat.sync({ follow: true }), bob.chat.sync()];
    void one.next();
    try {
      await other.next();
    } finally {
      await alice.chat.send(id, chat("so that the first one ends"));
      await one.return();
    }
  }, /E048_USAGE/);
});
