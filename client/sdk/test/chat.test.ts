/** Conversations between real clients on a real server process. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, test } from "node:test";
import type { AppMessage } from "quicproquo-core";
import type { ChatEvent } from "quicproquo-sdk";
import { startServerProcess } from "quicproquo-server/testing";
import { Person, type PersonOptions, temporaryFolder } from "./person.ts";

const folder = temporaryFolder();
const server = await startServerProcess();
const people: Person[] = [];
after(async () => {
  for (const person of people) await person.close();
  await server[Symbol.asyncDispose]();
  folder.remove();
});

async function person(name: string, options?: PersonOptions): Promise<Person> {
  const one = await Person.open(server, { name, file: join(folder.path, `${name}-${people.length}.db`) }, options);
  people.push(one);
  return one;
}

function chat(body: string): AppMessage {
  return { type: "chat", msgId: new Uint8Array(randomBytes(16)), body };
}

function bodies(events: readonly ChatEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === "message" && event.message.type === "chat" ? [event.message.body] : [],
  );
}

function kinds(events: readonly ChatEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

test("two people talk after an invitation, and both know the conversation's name", async () => {
  const [alice, bob] = [await person("alice"), await person("bob")];
  assert.deepEqual(await bob.chat.publishKeys(), { keyPackages: 20, lastResort: true, hybridKey: true });
  const id = await alice.chat.createGroup("plans");
  await alice.chat.invite(id, bob.key);
  assert.deepEqual(kinds(await bob.sync()), ["joined", "message"]);
  assert.equal(bob.chat.find("plans"), id);
  assert.equal(bob.chat.find(alice.key.toHex()), id);
  await alice.chat.send(id, chat("hello"));
  assert.deepEqual(bodies(await bob.sync()), ["hello"]);
  await bob.chat.send(id, chat("hello yourself"));
  assert.deepEqual(bodies(await alice.sync()), ["hello yourself"]);
  assert.deepEqual(
    (await alice.chat.history(id)).map(({ status, message }) => [status, message.type]),
    [
      ["sent", "groupName"],
      ["sent", "chat"],
      ["received", "chat"],
    ],
  );
});
