/** What the SQLite store promises about its file: one owner, a known schema, an epoch, nothing left behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { openSqliteStore } from "../../src/store/index.ts";
import { hasCode } from "./codes.ts";
import { makeSqlitePlace, sqlite } from "./folder-place.ts";
import { defaultLimits, inboxOf, Setup, seqsOf, startMs } from "./subject.ts";

const alice = inboxOf("alice");
const options = { limits: defaultLimits, clock: () => startMs };
const storeModule = new URL("../../src/store/index.ts", import.meta.url).href;

/** What another process gets that opens the file: an error code, or "opened". */
async function openElsewhere(file: string): Promise<string> {
  const program = `
    const { openSqliteStore } = await import(${JSON.stringify(storeModule)});
    const options = { file: ${JSON.stringify(file)}, limits: ${JSON.stringify(defaultLimits)}, clock: Date.now };
    const opened = await openSqliteStore(options).then((store) => store.close().then(() => "opened"), (error) => error.code);
    process.stdout.write(String(opened));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  return Buffer.concat(chunks).toString();
}

describe("the SQLite store's file", () => {
  test("has one owner: a second store is refused, here and in another process, and the first one goes on", async () => {
    await using place = await makeSqlitePlace();
    const store = await place.open();
    await assert.rejects(place.open(), hasCode("E036_STORE_LOCKED"));
    // After the refused one, because closing it must not have given up the first one's lock.
    assert.equal(await openElsewhere(place.file), "E036_STORE_LOCKED");
    await store.health();
    await store.close();
    assert.equal(await openElsewhere(place.file), "opened");
  });

  test("is readable for its owner only", { skip: process.platform === "win32" }, async () => {
    await using place = await makeSqlitePlace();
    const store = await place.open();
    for (const suffix of ["", "-wal", "-shm", ".lock"]) {
      assert.equal((await stat(place.file + suffix)).mode & 0o777, 0o600, suffix);
    }
    await store.close();
  });

  test("can be backed up by another program while the store runs, and the copy opens as a store", async () => {
    await using setup = await Setup.make(sqlite);
    await setup.store.log.append(setup.message(alice, "1"));
    const copy = `${setup.file}.copy`;
    const db = new DatabaseSync(setup.file, { readOnly: true });
    db.prepare("VACUUM INTO ?").run(copy);
    db.close();
    await setup.store.log.append(setup.message(alice, "2"));
    const restored = await openSqliteStore({ ...options, file: copy, raiseStoreEpoch: true });
    const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 10, bytesMax: 1_000 };
    assert.deepEqual(seqsOf(await restored.log.read(query)), [1n]);
    await restored.close();
  });

  test("written by a newer version is refused with E037 and left as it was", async () => {
    await using place = await makeSqlitePlace();
    await (await place.open()).close();
    const db = new DatabaseSync(place.file);
    db.exec("PRAGMA user_version = 1000");
    db.close();
    const before = await readFile(place.file);
    await assert.rejects(place.open(), hasCode("E037_STORE_SCHEMA"));
    assert.ok(before.equals(await readFile(place.file)));
  });

  test("of another program is refused with E037, and one that is no database with E020", async () => {
    await using place = await makeSqlitePlace();
    const db = new DatabaseSync(place.file);
    db.exec("CREATE TABLE theirs (x)");
    db.close();
    await assert.rejects(place.open(), hasCode("E037_STORE_SCHEMA"));
    const text = join(place.folder, "text");
    await writeFile(text, "not a database ".repeat(1_000));
    await assert.rejects(place.open({ file: text }), hasCode("E020_STORE_UNAVAILABLE"));
    const nowhere = join(place.folder, "no-such-folder", "qpq.db");
    await assert.rejects(place.open({ file: nowhere }), hasCode("E020_STORE_UNAVAILABLE"));
  });

  test("made anew has another epoch, so that cursors of the old file are not believed", async () => {
    const epochs = [];
    for (const clock of [() => startMs, () => startMs + 1]) {
      await using place = await makeSqlitePlace();
      const store = await place.open({ clock });
      epochs.push(
        (await store.log.read({ inbox: alice, after: 0n, storeEpoch: 0n, limit: 1, bytesMax: 1 })).storeEpoch,
      );
      await store.close();
    }
    assert.notEqual(epochs[0], epochs[1]);
  });

  test("opened with raiseStoreEpoch has a higher epoch for good: old cursors are reset and old acks remove nothing", async () => {
    await using setup = await Setup.make(sqlite);
    await setup.store.log.append(setup.message(alice, "1"));
    const { storeEpoch: before } = await setup.read(alice);
    await setup.reopen({ raiseStoreEpoch: true });
    const query = { inbox: alice, after: 1n, limit: 10, bytesMax: 1_000 };
    const answer = await setup.store.log.read({ ...query, storeEpoch: before });
    assert.deepEqual(answer.gap, { kind: "epochReset", upTo: 0n });
    assert.deepEqual(seqsOf(answer), [1n]);
    assert.ok(answer.storeEpoch > before);
    assert.equal(await setup.store.log.ack(alice, 1n, before), false);
    await setup.reopen();
    assert.equal((await setup.read(alice)).storeEpoch, answer.storeEpoch);
  });

  test("keeps nothing of messages that were acknowledged or expired, shared payloads included", async () => {
    await using setup = await Setup.make(sqlite);
    const { log } = setup.store;
    const payload = new Uint8Array(3_000);
    const inboxes = ["a", "b", "c"].map(inboxOf);
    for (const lifeMs of [1_000, 10, 1_000]) {
      await log.appendAll(inboxes.map((inbox) => ({ ...setup.message(inbox, "", { lifeMs }), payload })));
    }
    setup.nowMs += 10;
    await setup.sweepAll();
    await log.ack(inboxOf("a"), 3n, 0n);
    await log.ack(inboxOf("b"), 1n, 0n);
    setup.nowMs += 1_000;
    await setup.sweepAll();
    await setup.store.close();
    const db = new DatabaseSync(setup.file);
    for (const table of ["message", "shared_payload", "trim_due"]) {
      assert.deepEqual({ table, ...db.prepare(`SELECT count(*) AS rows FROM ${table}`).get() }, { table, rows: 0 });
    }
    db.close();
  });

  test("stores a payload that many inboxes share once", async () => {
    await using setup = await Setup.make(sqlite);
    const payload = new Uint8Array(100_000);
    const entries = Array.from({ length: 200 }, (_, i) => ({ ...setup.message(inboxOf(`${i}`), ""), payload }));
    await setup.store.log.appendAll(entries);
    await setup.store.close();
    // 200 copies would be 20 MB.
    assert.ok((await stat(setup.file)).size < 1_000_000);
  });
});
