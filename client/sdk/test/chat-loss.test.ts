/** Full inboxes, lost commits, expired messages, long absences, and states that were put back. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ChatEvent } from "quicproquo-sdk";
import { startServerProcess } from "quicproquo-server/testing";
import { Person, temporaryFolder } from "./person.ts";
import { Rig, bodiesOf, chat, kindsOf } from "./rig.ts";

const rig = await Rig.start();
/** Inboxes of 5 messages. */
const narrow = await Rig.start({ settings: { "queue-depth-max": 5 } });
after(async () => {
  await rig.close();
  await narrow.close();
});

function statusOf({ chat }: Person): string | undefined {
  return chat.list()[0]?.status;
}

test("messages for a full inbox wait in their order, and nobody else waits for it", async () => {
  const people = [await narrow.person("alice"), await narrow.person("bob"), await narrow.person("carol")] as const;
  const [alice, bob, carol] = people;
  const id = await narrow.group(...people);
  await bob.sync(); // acknowledges what came while carol was invited
  const numbers = ["1", "2", "3", "4", "5", "6", "7"];
  const sent = [];
  const carolHas: string[] = [];
  for (const body of numbers) {
    sent.push(await alice.chat.send(id, chat(body)));
    carolHas.push(...bodiesOf(await carol.sync()));
  }
  assert.deepEqual(carolHas, numbers);
  assert.deepEqual(
    sent.map(({ status }) => status),
    ["sent", "sent", "sent", "sent", "sent", "pending", "pending"],
  );
  assert.deepEqual(
    sent.at(-1)?.waitingFor.map((key) => key.toHex()),
    [bob.key.toHex()],
  );
  assert.equal((await alice.chat.history(id)).at(-1)?.status, "pending");
  assert.deepEqual(bodiesOf(await bob.sync()), ["1", "2", "3", "4", "5"]);
  const again = await narrow.reopened(alice); // what waits survives
  await again.sync();
  assert.equal((await again.chat.history(id)).at(-1)?.status, "sent");
  assert.deepEqual(bodiesOf(await bob.sync()), ["6", "7"]);
  assert.deepEqual(bodiesOf(await carol.sync()), []);
});

test("so many messages wait and no more, and after their time they are given up and shown as failed", async () => {
  const [alice, bob] = [await narrow.person("alice"), await narrow.person("bob")];
  const id = await narrow.group(alice, bob);
  await bob.sync();
  const bounded = await narrow.reopened(alice, { limits: { outboxEntriesMax: 2 } });
  for (let i = 0; i < 7; i++) await bounded.chat.send(id, chat(String(i)));
  await assert.rejects(bounded.chat.send(id, chat("one too many")), /E009_QUEUE_FULL .*max=2/);
  const later = await narrow.reopened(bounded, { clock: () => Date.now() + 6 * 86_400_000 + 1 });
  assert.deepEqual(kindsOf(await later.sync()), ["failed", "failed"]);
  const statuses = (await later.chat.history(id)).map(({ status }) => status);
  assert.deepEqual(statuses, ["sent", "sent", "sent", "sent", "sent", "failed", "failed"]);
  assert.equal(later.chat.list()[0]?.pendingCount, 0);
});

test("a message that the server refuses for good fails, and the next one goes", async () => {
  const small = await Rig.start({ settings: { "payload-bytes-max": 5_000 } });
  after(() => small.close());
  const [alice, bob] = [await small.person("alice"), await small.person("bob")];
  const id = await small.group(alice, bob);
  assert.equal((await alice.chat.send(id, chat("x".repeat(8_000)))).status, "failed");
  assert.equal((await alice.chat.send(id, chat("shorter"))).status, "sent");
  assert.deepEqual(kindsOf(await alice.sync()), ["failed"]);
  assert.deepEqual(bodiesOf(await bob.sync()), ["shorter"]);
});

test("who lost a commit to a full inbox learns it, is broken, and comes back by another invitation", async () => {
  const [alice, bob] = [await narrow.person("alice"), await narrow.person("bob")];
  const id = await narrow.group(alice, bob);
  await bob.sync();
  for (let i = 0; i < 5; i++) await alice.chat.send(id, chat(String(i)));
  await alice.chat.update(id);
  const told = await alice.sync();
  assert.deepEqual(kindsOf(told), ["undelivered"]);
  await bob.chat.publishKeys();
  const events = await bob.sync();
  assert.deepEqual(bodiesOf(events), ["0", "1", "2", "3", "4"]);
  assert.deepEqual(kindsOf(events).slice(5), ["gap", "broken"]);
  assert.equal(statusOf(bob), "broken");
  await assert.rejects(bob.chat.send(id, chat("hello?")), /E053.*invited again/);
  await alice.chat.invite(id, bob.key, { again: true });
  await alice.chat.send(id, chat("welcome back"));
  assert.deepEqual(bodiesOf(await bob.sync()), ["welcome back"]);
  assert.equal(statusOf(bob), "active");
  assert.equal((await bob.chat.send(id, chat("thanks"))).status, "sent");
  assert.deepEqual(bodiesOf(await alice.sync()), ["thanks"]);
});

test("a message that expired unread is told, and a conversation that lost no commit passes the test and goes on", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  const raw = await rig.raw();
  await raw.enqueue(bob.key, new Uint8Array(100), 1);
  await alice.chat.send(id, chat("lives longer"));
  // until the second is over: a look does not change what is there
  while ((await raw.inboxOf(bob.key)).some(({ data }) => data.length === 100)) await new Promise(setImmediate);
  const before = bob.chat.list()[0]?.epoch ?? 0n;
  const events = await bob.sync();
  assert.deepEqual(kindsOf(events), ["gap", "message"]);
  assert.equal(bob.chat.list()[0]?.epoch, before + 1n);
  await alice.sync();
  assert.equal((await bob.chat.send(id, chat("go on"))).status, "sent");
  assert.deepEqual(bodiesOf(await alice.sync()), ["go on"]);
});

test("a message that its sender's crash held back through many epochs is encrypted again, and arrives once", async () => {
  const people = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")] as const;
  const [alice, bob, carol] = people;
  const id = await rig.group(...people);
  const died = Promise.withResolvers<void>();
  const dying = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name !== "send: durable") return;
      died.resolve();
      await new Promise(() => {});
    },
  });
  void dying.chat.send(id, chat("held back")).catch(() => {});
  await died.promise;
  const next = await rig.reopened(dying);
  for (let i = 0; i < 6; i++) await bob.chat.update(id);
  await next.sync();
  for (const person of [bob, carol]) assert.deepEqual(bodiesOf(await person.sync()), ["held back"]);
  assert.equal(carol.chat.list()[0]?.pastCount, 0);
});

test("a message that waited through an invitation goes to the members of its epoch, not to the newcomer", async () => {
  const [alice, bob, carol] = [await rig.person("alice"), await rig.person("bob"), await rig.person("carol")];
  const id = await rig.group(alice, bob);
  const died = Promise.withResolvers<void>();
  const dying = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name !== "send: durable") return;
      died.resolve();
      await new Promise(() => {});
    },
  });
  void dying.chat.send(id, chat("before carol")).catch(() => {});
  await died.promise;
  const next = await rig.reopened(dying);
  await carol.chat.publishKeys();
  await bob.chat.invite(id, carol.key);
  await next.sync();
  assert.deepEqual(bodiesOf(await bob.sync()), ["before carol"]);
  assert.deepEqual(kindsOf(await carol.sync()), ["joined"]);
  assert.equal(carol.chat.list()[0]?.pastCount, 0);
});

test("a repeat in a new epoch of what was enqueued before the crash is stored once", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  const died = Promise.withResolvers<void>();
  const dying = await rig.reopened(alice, {
    checkpoint: async (name) => {
      if (name !== "send: enqueued") return;
      died.resolve();
      await new Promise(() => {});
    },
  });
  void dying.chat.send(id, chat("there already")).catch(() => {});
  await died.promise;
  const next = await rig.reopened(dying);
  const seen: ChatEvent[] = [];
  for (let i = 0; i < 6; i++) await bob.chat.update(id);
  await next.sync();
  seen.push(...(await bob.sync()));
  assert.deepEqual(bodiesOf(seen), ["there already"]);
});

test("a state that was put back is refused before it encrypts, and starts over by being invited again", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  await alice.close();
  copyFileSync(alice.file, `${alice.file}.copy`);
  const later = await rig.reopened(alice);
  await bob.chat.send(id, chat("seen by the later self"));
  await later.sync();
  await later.chat.send(id, chat("a key is used"));
  await later.close();
  copyFileSync(`${alice.file}.copy`, alice.file);
  const old = await rig.reopened(later);
  const refused = /E050_STATE_ROLLED_BACK/;
  await assert.rejects(old.chat.send(id, chat("the same key")), refused);
  await assert.rejects(old.chat.update(id), refused);
  await assert.rejects(old.chat.invite(id, alice.key), refused);
  await assert.rejects(old.sync(), refused);
  await old.chat.startOver();
  assert.deepEqual(kindsOf(await old.sync()), ["broken"]);
  await old.chat.publishKeys();
  await bob.chat.invite(id, alice.key, { again: true });
  await old.sync();
  assert.equal((await old.chat.send(id, chat("a new key"))).status, "sent");
  assert.deepEqual(bodiesOf(await bob.sync()), ["a key is used", "a new key"]);
});

test("records that were made anew take the inbox as it stands, without a claim to what was acknowledged before", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const raw = await rig.raw();
  for (let i = 0; i < 3; i++) await raw.enqueue(bob.key, new Uint8Array(10).fill(9));
  await raw.acknowledgeFor(bob.key, 3n);
  await bob.chat.publishKeys();
  const id = await alice.chat.createGroup();
  await alice.chat.invite(id, bob.key);
  assert.deepEqual(kindsOf(await bob.sync()), ["joined"]);
  assert.equal((await bob.chat.send(id, chat("hello"))).status, "sent");
});

test("a message to a server that is gone is pending, and sent once the server is back", async () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  let server = await startServerProcess({ dataDir: folder.path });
  const [alice, bob] = await Promise.all(
    ["alice", "bob"].map((name) => Person.open(server, { name, file: join(folder.path, `${name}.db`) })),
  );
  assert.ok(alice !== undefined && bob !== undefined);
  await bob.chat.publishKeys();
  const id = await alice.chat.createGroup();
  await alice.chat.invite(id, bob.key);
  await bob.sync();
  const { port } = server;
  const cut = await alice.reopened({
    giveUpAfterMs: 100,
    checkpoint: async (name) => {
      if (name === "send: durable") await server.kill("SIGTERM");
    },
  });
  const { status, waitingFor } = await cut.chat.send(id, chat("are you there?"));
  assert.deepEqual([status, waitingFor], ["pending", [bob.key]]);
  await assert.rejects(cut.chat.send(id, chat("not begun")), { kind: "unavailable" });
  server = await startServerProcess({ dataDir: folder.path, port });
  const back = await cut.reopened();
  await back.sync();
  assert.deepEqual(
    (await back.chat.history(id)).map(({ status }) => status),
    ["sent"],
  );
  assert.deepEqual(bodiesOf(await bob.sync()), ["are you there?"]);
  for (const person of [back, bob]) await person.close();
  await server[Symbol.asyncDispose]();
});

test("events come again until they were taken", async () => {
  const [alice, bob] = [await rig.person("alice"), await rig.person("bob")];
  const id = await rig.group(alice, bob);
  for (const body of ["1", "2", "3"]) await alice.chat.send(id, chat(body));
  const stream = bob.chat.sync();
  assert.deepEqual(bodiesOf([(await stream.next()).value as ChatEvent]), ["1"]);
  assert.deepEqual(bodiesOf([(await stream.next()).value as ChatEvent]), ["2"]);
  // a crash: the generator never comes to its end
  const again = await rig.reopened(bob);
  assert.deepEqual(bodiesOf(await again.sync()), ["1", "2", "3"]);
  const third = await rig.reopened(again);
  assert.deepEqual(await third.sync(), []);
});
