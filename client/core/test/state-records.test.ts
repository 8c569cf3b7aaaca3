/** The record database: durable and atomic writes, one owner, and a file that tells a thief little. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { openRecordFile, type RecordStore, recordBytesMax, SecretBytes } from "quicproquo-core";

const folder = mkdtempSync(join(tmpdir(), "qpq-records-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const databaseKey = new SecretBytes(new Uint8Array(32).fill(7));
const utf8 = new TextEncoder();
let files = 0;

function newFile(): string {
  return join(folder, `${files++}.db`);
}

function open(file: string, key = databaseKey): RecordStore {
  return openRecordFile({ file, databaseKey: key });
}

function asText(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

test("what was written is there after the store is opened again, and what was deleted is not", async () => {
  const file = newFile();
  const first = open(file);
  await first.write([
    { id: "a/1", bytes: utf8.encode("one") },
    { id: "a/2", bytes: utf8.encode("two") },
    { id: "b/1", bytes: new Uint8Array(0) },
  ]);
  await first.write([
    { id: "a/1", bytes: undefined },
    { id: "a/2", bytes: utf8.encode("second") },
  ]);
  await first.close();
  const second = open(file);
  assert.equal(await second.get("a/1"), undefined);
  assert.equal(asText(await second.get("a/2")), "second");
  assert.deepEqual(await second.get("b/1"), new Uint8Array(0));
  await second.close();
});

test("a list has the records of exactly its folder, ascending by id", async () => {
  const store = open(newFile());
  await store.write(["a/b/2", "a/b/1", "a/c", "a/b/d/1", "b/1"].map((id) => ({ id, bytes: utf8.encode(id) })));
  const ids = async (name: string): Promise<string[]> => (await store.list(name)).map(({ id }) => id);
  assert.deepEqual(await ids("a/b"), ["a/b/1", "a/b/2"]);
  assert.deepEqual(await ids("a"), ["a/c"]);
  assert.deepEqual(await ids("nothing"), []);
  await store.close();
});

test("any sequence of batches leaves what a map would hold, also after a reopening", async () => {
  const change = fc.record({
    id: fc.constantFrom("a/1", "a/2", "b/1", "b/c/1"),
    bytes: fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 5 }), async (batches) => {
      const file = newFile();
      const model = new Map<string, Uint8Array>();
      const store = open(file);
      for (const batch of batches) {
        await store.write(batch);
        for (const { id, bytes } of batch) {
          if (bytes === undefined) model.delete(id);
          else model.set(id, bytes);
        }
      }
      await store.close();
      const again = open(file);
      for (const id of ["a/1", "a/2", "b/1", "b/c/1"]) assert.deepEqual(await again.get(id), model.get(id));
      assert.equal((await again.list("a")).length, [...model.keys()].filter((id) => id.startsWith("a/")).length);
      await again.close();
    }),
    { numRuns: 30 },
  );
});

test("a batch with a record over the limit changes nothing", async () => {
  const store = open(newFile());
  const tooLarge = { id: "a/2", bytes: new Uint8Array(recordBytesMax + 1) };
  await assert.rejects(store.write([{ id: "a/1", bytes: utf8.encode("one") }, tooLarge]), /recordBytesMax/);
  assert.equal(await store.get("a/1"), undefined);
  await store.write([{ id: "a/2", bytes: new Uint8Array(recordBytesMax) }]);
  assert.equal((await store.get("a/2"))?.length, recordBytesMax);
  await store.close();
});

test("an id that is not folder/name, or too long, is refused", async () => {
  const store = open(newFile());
  for (const id of ["", "a", "/a", "a/", `a/${"x".repeat(255)}`]) {
    await assert.rejects(store.write([{ id, bytes: utf8.encode("x") }]), /folder\/name/, id);
  }
  await store.close();
});

test("a second opener is refused while the first has the file, and let in after its close", async () => {
  const file = newFile();
  const first = open(file);
  assert.throws(() => open(file), /E036_STORE_LOCKED/);
  await first.close();
  await open(file).close();
});

test("a process that is killed while it writes batch after batch leaves whole batches only, up to the last it reported", async () => {
  const file = newFile();
  const child = spawn(process.execPath, [fileURLToPath(new URL("state-records-writer.ts", import.meta.url)), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const exited = once(child, "exit");
  let wasRefused = false;
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length !== 20) continue;
    // Opened while the writer lives: it owns the file.
    assert.throws(() => open(file), /E036_STORE_LOCKED/);
    wasRefused = true;
    child.kill("SIGKILL");
  }
  assert.ok(wasRefused);
  assert.equal((await exited)[1], "SIGKILL");
  const reported = Number(lines.at(-1));
  const store = open(file, new SecretBytes(new Uint8Array(32)));
  const numbers = await Promise.all(["a/1", "a/2", "b/1"].map(async (id) => Number(asText(await store.get(id)))));
  assert.ok(numbers[0] !== undefined && numbers[0] >= reported, `${numbers[0]} after ${reported} was reported`);
  assert.deepEqual(numbers, [numbers[0], numbers[0], numbers[0]]);
  await store.close();
});

test("the file shows neither ids nor content, and only its owner may read it", async () => {
  const file = newFile();
  const store = open(file);
  await store.write([{ id: "conversation/secret-name", bytes: utf8.encode("secret-content") }]);
  for (const path of [file, `${file}-wal`]) {
    const seen = readFileSync(path, "latin1");
    assert.ok(!/secret-name|secret-content|conversation/.test(seen));
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o077, 0);
  }
  await store.close();
  chmodSync(file, 0o644);
  if (process.platform !== "win32") assert.throws(() => open(file), /E044_STATE_FILE mode=0644/);
});

test("a file of another database key is refused, not read as empty", async () => {
  const file = newFile();
  await open(file).close();
  assert.throws(() => open(file, new SecretBytes(new Uint8Array(32).fill(8))), /E044_STATE_FILE.*another state file/);
});

test("an altered row, and a row moved to another name, do not open", async () => {
  const file = newFile();
  const store = open(file);
  await store.write(["a/1", "a/2"].map((id) => ({ id, bytes: utf8.encode(`content of ${id}`) })));
  await store.close();
  const rows = new DatabaseSync(file);
  const [first, second] = rows
    .prepare(
      "SELECT name, sealed FROM record WHERE folder IN (SELECT folder FROM record GROUP BY folder HAVING count(*) = 2)",
    )
    .all() as { name: Uint8Array; sealed: Uint8Array }[];
  assert.ok(first !== undefined && second !== undefined);
  rows.prepare("UPDATE record SET sealed = ? WHERE name = ?").run(first.sealed, second.name);
  const flipped = Uint8Array.from(first.sealed);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  rows.prepare("UPDATE record SET sealed = ? WHERE name = ?").run(flipped, first.name);
  rows.close();
  const again = open(file);
  for (const id of ["a/1", "a/2"]) await assert.rejects(again.get(id), /E044_STATE_FILE.*damaged/);
  await assert.rejects(again.list("a"), /E044_STATE_FILE/);
  await again.close();
});

test("a file of a newer version, and one that is no database, are refused", () => {
  const newer = newFile();
  const db = new DatabaseSync(newer);
  db.exec("PRAGMA user_version = 99");
  db.close();
  chmodSync(newer, 0o600);
  assert.throws(() => open(newer), /E037_STORE_SCHEMA/);
  const junk = newFile();
  writeFileSync(junk, "no database at all, but longer than a header of SQLite would be: ".repeat(20), { mode: 0o600 });
  assert.throws(() => open(junk), /E044_STATE_FILE/);
});
