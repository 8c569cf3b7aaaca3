/** qpq demo-group: two made-up people on this machine talk through your server, to see that everything works. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageIdBytes } from "quicproquo-core";
import type { ChatClient } from "quicproquo-sdk";
import type { Command } from "../command.ts";
import { Person } from "../person.ts";
import { textOf } from "../print-event.ts";

export const demoGroup: Command = {
  words: "",
  doc: "two made-up people talk through your server, to try it out",
  wordsMin: 0,
  wordsMax: 0,
  async run(options, output) {
    const folder = mkdtempSync(join(tmpdir(), "qpq-demo-group-"));
    try {
      await using alice = await Person.open({ ...options, stateFile: join(folder, "alice.bin") }, output);
      await using bob = await Person.open({ ...options, stateFile: join(folder, "bob.bin") }, output);
      await bob.chat.publishKeys();
      const id = await alice.chat.createGroup("demo");
      await alice.chat.invite(id, bob.state.identity.identityKey);
      await say(alice.chat, "Hello Bob, only you can read this.");
      for (const text of await heard(bob.chat)) output.data(`Bob read: ${text}`, { reader: "bob", text });
      await say(bob.chat, "Hello Alice, and only you this.");
      for (const text of await heard(alice.chat)) output.data(`Alice read: ${text}`, { reader: "alice", text });
      if (options.verbose) output.layers(alice.client.current, alice.traffic);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function say(chat: ChatClient, body: string): Promise<void> {
  await chat.send(chat.find("demo"), { type: "chat", msgId: new Uint8Array(randomBytes(messageIdBytes)), body });
}

async function heard(chat: ChatClient): Promise<string[]> {
  const texts: string[] = [];
  for await (const event of chat.sync()) {
    if (event.kind === "message" && event.message.type === "chat") texts.push(textOf(event.message));
  }
  return texts;
}
