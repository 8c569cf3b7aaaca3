/** A real process killed by SIGKILL at seeded checkpoints, and started again each time, beside two members that live. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { generateClientState, writeStateFile } from "quicproquo-core";
import { startServerProcess } from "quicproquo-server/testing";
import { Person, temporaryFolder } from "../person.ts";
import { Ledger } from "./ledger.ts";
import type { MemberTask } from "./member-process.ts";
import { randomOf, seed } from "quicproquo-server/testing/seed";
import { chatMessage, theOnly } from "./story.ts";

const folder = temporaryFolder();
const server = await startServerProcess();
after(async () => {
  await server[Symbol.asyncDispose]();
  folder.remove();
});

const killsMin = 200;
const program = fileURLToPath(new URL("member-process.ts", import.meta.url));

/** The compiled modules of one life serve the next: a start takes 0.16 s instead of 0.33. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(folder.path, "compile-cache") };

function startMember(): ChildProcess {
  return spawn(process.execPath, [program], { stdio: ["pipe", "inherit", "inherit"], env });
}

/** Resolves with the signal that ended it, or its exit code. */
async function runMember(child: ChildProcess, task: MemberTask): Promise<string | number> {
  child.stdin?.end(`${JSON.stringify(task)}\n`);
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  return signal ?? code ?? 0;
}

test(`a process that is killed ${killsMin} times and more loses and doubles nothing (SEED=${seed})`, async (t) => {
  const random = randomOf(seed);
  const [stateFile, recordFile] = [join(folder.path, "alice.bin"), join(folder.path, "alice.db")];
  const state = generateClientState();
  await writeStateFile(stateFile, state);
  const people = await Promise.all(
    ["bob", "carol"].map((name) => Person.open(server, { name, file: join(folder.path, `${name}.db`) })),
  );
  for (const { chat } of people) await chat.publishKeys();
  const ledger = new Ledger();
  const oddities: string[] = [];
  const sent = new Map<string, number>();
  const task = {
    stateFile,
    recordFile,
    certificateFile: server.certificateFile,
    port: server.port,
    token: server.token,
    invited: people.map(({ key }) => key.toHex()),
    messages: 500,
  };
  let kills = 0;
  let next = startMember();
  for (;;) {
    // 1 to 14: a life has a few messages at most, and some end before their first step
    const diesAtCheckpoint = kills < killsMin ? 1 + Math.floor(random() * 14) : 0;
    const running = runMember(next, { ...task, diesAtCheckpoint });
    next = startMember(); // loads its modules while the one before it lives
    const end = await running;
    if (end === "SIGKILL") kills++;
    else assert.equal(end, 0, "alice ends by a kill, or when all is done");
    for (const person of people) {
      for (const event of await person.sync()) {
        if (["refused", "gap", "broken"].includes(event.kind))
          oddities.push(`${person.name}: ${JSON.stringify(event)}`);
      }
      ledger.observe(person);
      if (person.chat.list().length === 0 || random() < 0.4) continue;
      const number = (sent.get(person.name) ?? 0) + 1;
      sent.set(person.name, number);
      await person.chat.send(theOnly(person.chat), chatMessage(`${person.name} ${number}`));
      if (random() < 0.2) await person.chat.update(theOnly(person.chat));
      ledger.observe(person);
    }
    if (end === 0) break;
  }
  next.stdin?.end();
  await once(next, "exit");
  const alice = await Person.open(server, { name: "alice", file: recordFile, state });
  people.push(alice);
  for (const person of [...people, ...people]) await person.sync();
  ledger.observe(alice);
  t.diagnostic(`${kills} kills, ${alice.chat.list()[0]?.historyCount} messages, epoch ${alice.chat.list()[0]?.epoch}`);
  assert.deepEqual([...(await ledger.faults(people)), ...oddities], []);
  assert.ok(kills >= killsMin);
  for (const person of people) await person.close();
});
