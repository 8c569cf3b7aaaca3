/**
 * Alice as a process of its own: sends, renews her keys and receives until she has sent so many messages, and ends itself
 * by SIGKILL at the n-th checkpoint. It waits for its task, a {@link MemberTask} as a line of JSON, so that it can be
 * started before its predecessor is dead. The next process on the same files goes on.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";
import { openRecordFile, readStateFile } from "quicproquo-core";
import { parseIdentityKey } from "quicproquo-proto";
import { ChatClient, type Checkpoint, ReconnectingClient } from "quicproquo-sdk";
import { addressOf } from "../person.ts";
import { chatMessage, theOnly } from "./story.ts";

export type MemberTask = {
  readonly stateFile: string;
  readonly recordFile: string;
  readonly certificateFile: string;
  readonly port: number;
  readonly token: string;
  /** Whom she invites, in hex. */
  readonly invited: readonly string[];
  readonly messages: number;
  /** 0 = lives to the end. */
  readonly diesAtCheckpoint: number;
};

flushCompileCache(); // written at a process's end only, which most of these have not
const [line = ""] = await Array.fromAsync(createInterface({ input: process.stdin }));
if (line === "") process.exit(0); // nobody needs it any more
const task = JSON.parse(line) as MemberTask;
const state = await readStateFile(task.stateFile);
if (state === undefined) throw new Error("the state file is missing");
const records = openRecordFile({ file: task.recordFile, databaseKey: state.databaseKey });
const certificate = readFileSync(task.certificateFile);
const client = new ReconnectingClient({ server: addressOf({ port: task.port, certificate }) });

let checkpoints = 0;
const checkpoint: Checkpoint = async () => {
  checkpoints++;
  if (checkpoints !== task.diesAtCheckpoint) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => {}); // the signal ends the process before anything else runs
};
const chat = await ChatClient.open({
  state,
  records,
  client,
  accessToken: new TextEncoder().encode(task.token),
  clock: Date.now,
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
  checkpoint,
});

const id = chat.list().length === 0 ? await chat.createGroup("kills") : theOnly(chat);
for (const key of task.invited) await chat.invite(id, parseIdentityKey(Uint8Array.fromHex(key)));
const me = state.identity.identityKey.toHex();
for (;;) {
  const history = await chat.history(id, { limit: 100_000 });
  const sent = history.filter(({ sender, message }) => message.type === "chat" && sender.toHex() === me).length;
  if (sent >= task.messages) break;
  await chat.send(id, chatMessage(`alice ${sent + 1}`));
  if (sent % 5 === 2) await chat.update(id);
  if (sent % 3 === 1) await receive();
}
await receive();
client.close();
await records.close();

/** What cannot be is told by its exit code: the test asks the records about the rest. */
async function receive(): Promise<void> {
  for await (const { kind } of chat.sync()) {
    if (kind === "refused" || kind === "gap" || kind === "broken") throw new Error(`alice met ${kind}`);
  }
}
