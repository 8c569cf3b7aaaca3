/** An older version's store, with its messages in tables, is taken over whole, however often that is broken off. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openLogStore, openSqliteStore, type Store } from "../../src/store/index.ts";
import { diskFiles } from "../../src/store/log/files.ts";
import { openLogFolder } from "../../src/store/log/folder.ts";
import { defaultLimits, identityOf, inboxOf, messageIdOf, startMs } from "../conformance/subject.ts";

const limits = { ...defaultLimits, queueDepthMax: 20 };
const inboxes = ["alice", "bob", "carol", "alice/channel", "full", "acked"].map(inboxOf);
const proof = new Uint8Array(32).fill(3);

let nowMs = startMs;
const options = (file: string) => ({ file, limits, clock: () => nowMs });

const entry = (inbox: string, text: string, more: { id?: string; lifeMs?: number; sender?: string } = {}) => ({
  inbox: inboxOf(inbox),
  payload: Buffer.from(text),
  messageId: more.id === undefined ? undefined : messageIdOf(more.id),
  expiresAtMs: nowMs + (more.lifeMs ?? 600_000),
  sender: more.sender === undefined ? undefined : identityOf(more.sender),
});
const commit = (id: string) => ({
  groupId: messageIdOf("group"),
  epoch: 0n,
  proofHash: proof,
  nextProofHash: proof,
  messageId: messageIdOf(id),
  entries: [entry("bob", "commit"), entry("full", "lost")],
});

/** Everything that a message can be. */
async function fill(store: Store): Promise<void> {
  nowMs = startMs;
  const { log, accounts } = store;
  await accounts.putEndpoint({ identity: identityOf("alice"), endpoint: proof, expiresAtMs: nowMs + 1_000_000 });
  for (let i = 0; i < 8; i++)
    await log.append(entry("alice", `alice ${i}`, { id: `${i}`, lifeMs: i % 3 === 2 ? 10 : 600_000 }));
  for (let i = 0; i < 6; i++) await log.append(entry("carol", `carol ${i}`, { lifeMs: i < 2 ? 10 : 600_000 }));
  for (let i = 0; i < 20; i++) await log.append(entry("full", `${i}`, { sender: `${i % 5}` }));
  const payload = Buffer.alloc(1_000, 9);
  await log.appendAll(["bob", "carol", "alice/channel"].map((inbox) => ({ ...entry(inbox, ""), payload })));
  assert.deepEqual(await log.commitGroup(commit("first")), { kind: "accepted", seqs: [2n, 0n] });
  for (let i = 0; i < 4; i++) await log.append(entry("acked", `${i}`, { id: `a${i}` }));
  await log.ack(inboxOf("acked"), 4n, 0n);
  await log.ack(inboxOf("alice"), 1n, 0n);
  nowMs += 100;
  while ((await log.sweep(100)) === 100);
  await log.append(entry("alice", "after"));
}

/** What readers, senders and committers are told. */
async function tell(store: Store): Promise<unknown[]> {
  const { log } = store;
  const answers: unknown[] = [];
  for (const inbox of inboxes) {
    for (const after of [0n, 3n]) {
      answers.push(await log.read({ inbox, after, storeEpoch: 0n, limit: 100, bytesMax: 1_000_000 }));
    }
  }
  for (const id of ["0", "5", "a2"]) {
    for (const inbox of ["alice", "acked", "bob"]) answers.push(await log.append(entry(inbox, "again", { id })));
  }
  answers.push(await log.commitGroup(commit("first")), await log.commitGroup(commit("second")));
  answers.push(await log.append(entry("full", "no")), await log.append(entry("alice", "next", { sender: "0" })));
  answers.push(await store.accounts.endpointOf(identityOf("alice")));
  return answers;
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "qpq-takeover-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("readers, senders and committers are told by the log what the tables would have told them", async () => {
  await inFolder(async (folder) => {
    const answers: unknown[][] = [];
    for (const isTakenOver of [false, true]) {
      const file = join(folder, `${isTakenOver}`, "qpq.db");
      diskFiles.makeFolder(join(folder, `${isTakenOver}`));
      nowMs = startMs;
      const before = await openSqliteStore(options(file));
      await fill(before);
      await before.close();
      const notices: unknown[] = [];
      const onNotice = (notice: unknown) => notices.push(notice);
      let store = isTakenOver
        ? await openLogStore({ ...options(file), onNotice })
        : await openSqliteStore(options(file));
      if (isTakenOver) {
        assert.deepEqual(notices.at(-1), { kind: "takingOver", taken: 37, messages: 37 });
        await store.close();
        store = await openLogStore({ ...options(file), onNotice: () => assert.fail() });
      }
      answers.push(await tell(store));
      await store.close();
    }
    assert.deepEqual(answers[1], answers[0]);
  });
});

test("broken off anywhere before the log is named, it is begun anew; between the name and the folder, it goes on", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "qpq.db");
    const before = await openSqliteStore(options(file));
    await fill(before);
    const expected = await before.log.read({
      inbox: inboxOf("alice"),
      after: 0n,
      storeEpoch: 0n,
      limit: 99,
      bytesMax: 1e6,
    });
    await before.close();
    for (const stopAt of [1, 2]) {
      const db = new DatabaseSync(file);
      let told = 0;
      const progress = () => {
        if (++told === stopAt) throw new Error("broken off");
      };
      assert.throws(() => openLogFolder({ files: diskFiles, db, file }, progress), /broken off/);
      db.close();
    }
    const db = new DatabaseSync(file);
    openLogFolder({ files: diskFiles, db, file }, () => undefined);
    db.close();
    // as if it had ended between the two
    diskFiles.rename(join(folder, "messages"), join(folder, "messages.unfinished"));
    const after = await openLogStore(options(file));
    const answer = await after.log.read({
      inbox: inboxOf("alice"),
      after: 0n,
      storeEpoch: 0n,
      limit: 99,
      bytesMax: 1e6,
    });
    await after.close();
    assert.deepEqual(answer, expected);
    assert.ok(!existsSync(join(folder, "messages.unfinished")));
  });
});

const storeModule = new URL("../../src/store/index.ts", import.meta.url).href;

test("killed again and again while it is taken over, nothing is lost", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "qpq.db");
    const many = { ...options(file), limits: { ...limits, queueDepthMax: 1_000_000 } };
    const before = await openSqliteStore(many);
    const payload = Buffer.alloc(200, 1);
    for (let i = 0; i < 30; i++) {
      const entries = Array.from({ length: 500 }, (_, j) => ({ ...entry(`${(i + j) % 50}`, ""), payload }));
      await before.log.appendAll(entries);
    }
    await before.close();
    const program = `
      const { openLogStore } = await import(${JSON.stringify(storeModule)});
      const onNotice = (notice) => process.stdout.write(JSON.stringify(notice) + "\\n");
      await openLogStore({ file: ${JSON.stringify(file)}, limits: ${JSON.stringify(many.limits)}, clock: Date.now, onNotice });
      process.stdout.write("opened\\n");`;
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      const exited = once(child, "exit");
      for await (const line of createInterface({ input: child.stdout })) {
        if (line === "opened" || !line.includes('"taken":0')) child.kill("SIGKILL");
        // with the first word, and some time behind it
        else setTimeout(() => child.kill("SIGKILL"), round * 40);
      }
      await exited;
    }
    const after = await openLogStore(many);
    let found = 0;
    for (let i = 0; i < 50; i++) {
      const query = { inbox: inboxOf(`${i}`), after: 0n, storeEpoch: 0n, limit: 10_000, bytesMax: 1e9 };
      const { messages } = await after.log.read(query);
      assert.ok(messages.every((message, j) => message.seq === BigInt(j + 1) && payload.equals(message.payload)));
      found += messages.length;
    }
    await after.close();
    assert.equal(found, 15_000);
  });
});
