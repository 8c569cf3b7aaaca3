import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import {
  type ClientState,
  generateClientState,
  passwordBytesMax,
  readStateFile,
  writeStateFile,
} from "quicproquo-core";

const root = await mkdtemp(join(tmpdir(), "qpq-state-"));
after(() => rm(root, { recursive: true }));
let folders = 0;

/** A path for a state file in a folder that does not exist yet. */
function newPath(): string {
  return join(root, String(++folders), "qpq-state.bin");
}

/** Everything that makes a state what it is; two states are the same when these are. */
function secretsOf(state: ClientState | undefined): Record<string, Uint8Array> {
  assert.ok(state !== undefined);
  return {
    identitySeed: state.identity.exportSeed(),
    hybridSeed: state.hybridKeyPair.exportSeed(),
    databaseKey: state.databaseKey.reveal(),
  };
}

const state = generateClientState();
const other = generateClientState();
const password = "correct horse ü";
const unusable = { name: "QpqError", code: "E044_STATE_FILE" };
const wrongPassword = { name: "QpqError", code: "E045_WRONG_PASSWORD" };

for (const [form, options, bytes] of [
  ["plain", {}, 197],
  ["encrypted", { password }, 245],
] as const) {
  test(`a state written in the ${form} form reads back the same, from ${bytes} bytes with mode 0600`, async () => {
    const path = newPath();
    await writeStateFile(path, state, options);
    assert.deepEqual(secretsOf(await readStateFile(path, options)), secretsOf(state));
    const facts = await stat(path);
    assert.equal(facts.size, bytes);
    assert.equal(facts.mode & 0o777, 0o600);
    assert.equal((await stat(join(path, ".."))).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(join(path, "..")), ["qpq-state.bin"]);
  });

  test(`the ${form} form cut at any length, or with a byte more, is refused`, async () => {
    const path = newPath();
    await writeStateFile(path, state, options);
    const whole = await readFile(path);
    // Below the shortest sealed text no key is derived, so all lengths are quick there; above it each costs 29 ms.
    const lengths = form === "plain" ? [...whole.keys()] : [...Array(48).keys(), 48, 100, 243, 244];
    for (const length of lengths) {
      await writeFile(path, whole.subarray(0, length));
      await assert.rejects(readStateFile(path, options), refusal, `length ${length}`);
    }
    await writeFile(path, Buffer.concat([whole, Buffer.of(0)]));
    await assert.rejects(readStateFile(path, options), refusal);
  });
}

/** Damage shows as one of the two codes, whichever byte it hit. */
function refusal(error: unknown): boolean {
  assert.match(String(error), /^QpqError: (E044_STATE_FILE|E045_WRONG_PASSWORD) /);
  return true;
}

test("a plain file with any one bit flipped is refused", async () => {
  const path = newPath();
  await writeStateFile(path, state);
  const whole = await readFile(path);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const altered = Buffer.from(whole);
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
    await writeFile(path, altered);
    await assert.rejects(readStateFile(path), refusal, `bit ${bit}`);
  }
});

test("an encrypted file with a bit flipped in any of its fields is refused", async () => {
  const path = newPath();
  await writeStateFile(path, state, { password });
  const whole = await readFile(path);
  // First and last byte of magic, salt, nonce, text and tag; each costs one Argon2id.
  for (const at of [0, 3, 4, 19, 20, 31, 32, 228, 229, 244]) {
    const altered = Buffer.from(whole);
    altered[at] = (altered[at] as number) ^ 0x10;
    await writeFile(path, altered);
    const expected = at < 4 ? unusable : wrongPassword;
    await assert.rejects(readStateFile(path, { password }), expected, `byte ${at}`);
  }
});

test("a wrong password, or none for an encrypted file, is refused as a password", async () => {
  const path = newPath();
  await writeStateFile(path, state, { password });
  for (const wrong of ["correct horse", "correct horse u", `${password} `, "x".repeat(passwordBytesMax)]) {
    await assert.rejects(readStateFile(path, { password: wrong }), wrongPassword);
  }
  await assert.rejects(readStateFile(path), { ...wrongPassword, message: /is encrypted; give its password/ });
});

test("a plain file is refused when a password was given, so that no plain file can be slipped in", async () => {
  const path = newPath();
  await writeStateFile(path, state);
  await assert.rejects(readStateFile(path, { password }), { ...unusable, message: /not in the encrypted form/ });
});

test("a password has 1 to 1024 bytes: others write nothing", async () => {
  const path = newPath();
  for (const bad of ["", "x".repeat(passwordBytesMax + 1), "ü".repeat(passwordBytesMax / 2 + 1)]) {
    await assert.rejects(writeStateFile(path, state, { password: bad }), { ...unusable, message: /1 to 1024 bytes/ });
  }
  assert.equal(await readStateFile(path), undefined);
});

test("two encryptions of one state under one password share no salt, nonce or text", async () => {
  const [one, two] = [newPath(), newPath()];
  await writeStateFile(one, state, { password });
  await writeStateFile(two, state, { password });
  const [a, b] = [await readFile(one), await readFile(two)];
  for (const [from, to] of [
    [4, 20],
    [20, 32],
    [32, 245],
  ] as const) {
    assert.notDeepEqual(a.subarray(from, to), b.subarray(from, to));
  }
});

test("no file is a value, not an error", async () => {
  assert.equal(await readStateFile(newPath()), undefined);
});

test("a file of a newer version says so", async () => {
  const path = newPath();
  await writeStateFile(path, state);
  const bytes = await readFile(path);
  bytes[4] = 2;
  await writeFile(path, bytes);
  await assert.rejects(readStateFile(path), { ...unusable, message: /version=2 .*newer version/ });
});

test("a file over 4096 bytes, an empty one, other bytes and a folder are refused as no state file", async () => {
  const path = newPath();
  await mkdir(path, { recursive: true, mode: 0o700 });
  await assert.rejects(readStateFile(path), unusable);
  const file = join(path, "file");
  await writeStateFile(file, state);
  const overlong = Buffer.concat([await readFile(file), new Uint8Array(4096 - 197 + 1)]);
  for (const bytes of [overlong, new Uint8Array(0), new Uint8Array(197)]) {
    await writeFile(file, bytes);
    await assert.rejects(readStateFile(file), { ...unusable, message: /not a client state file/ });
  }
});

test("a file that other users can read or write is refused with the command that mends it", async () => {
  const path = newPath();
  await writeStateFile(path, state);
  for (const mode of [0o640, 0o620, 0o604, 0o602, 0o644, 0o610, 0o601, 0o777]) {
    await chmod(path, mode);
    const message = new RegExp(`mode=0${mode.toString(8)} .*run: chmod 600 ${path}$`);
    await assert.rejects(readStateFile(path), { ...unusable, message });
  }
  await chmod(path, 0o600);
  assert.deepEqual(secretsOf(await readStateFile(path)), secretsOf(state));
});

test("the command is one that a shell takes as it stands, whatever the path", async () => {
  const path = join(root, "it's; a folder", "qpq-state.bin");
  await writeStateFile(path, state);
  await chmod(path, 0o644);
  const error = await readStateFile(path).then(
    () => assert.fail("was read"),
    (reason: unknown) => reason,
  );
  const command = /run: (chmod .*)$/.exec(String(error))?.[1];
  assert.ok(command !== undefined);
  const [code] = await once(spawn("sh", ["-c", command]), "exit");
  assert.equal(code, 0);
  assert.deepEqual(secretsOf(await readStateFile(path)), secretsOf(state));
});

test("an existing wider file becomes 0600 by being written", async () => {
  const path = newPath();
  await writeStateFile(path, state);
  await chmod(path, 0o644);
  await writeStateFile(path, other);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("a write that fails leaves the old file, and no new one beside it", async () => {
  const path = newPath();
  await mkdir(path, { recursive: true }); // a folder stands where the file should: the rename fails
  await assert.rejects(writeStateFile(path, state), { ...unusable, message: /cannot be written/ });
  assert.deepEqual(await readdir(join(path, "..")), ["qpq-state.bin"]);
});

test("twenty writers at once leave one whole state of theirs, and readers meanwhile see only whole states", async () => {
  const path = newPath();
  const states = Array.from({ length: 20 }, generateClientState);
  const known = new Set(states.map(fingerprint));
  await writeStateFile(path, states[0] as ClientState);
  let writing = true;
  const reader = (async () => {
    let reads = 0;
    for (; writing; reads++) assert.ok(known.has(fingerprint(await readStateFile(path))));
    return reads;
  })();
  await Promise.all(states.map((each) => writeStateFile(path, each)));
  writing = false;
  assert.ok((await reader) > 0);
  assert.ok(known.has(fingerprint(await readStateFile(path))));
  assert.deepEqual(await readdir(join(path, "..")), ["qpq-state.bin"]);
});

function fingerprint(state: ClientState | undefined): string {
  return Object.values(secretsOf(state))
    .map((bytes) => Buffer.from(bytes).toString("hex"))
    .join();
}

/** Runs a writer process that dies by SIGKILL in place of the rename. */
async function crashBeforeRename(path: string): Promise<void> {
  const script = fileURLToPath(new URL("./crashing-writer.ts", import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "inherit", "inherit"] });
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
}

test("a process killed between writing the new file and the rename leaves the old state readable", async () => {
  const path = newPath();
  await writeStateFile(path, state);
  await crashBeforeRename(path);
  const left = (await readdir(join(path, ".."))).filter((name) => name.endsWith(".new"));
  assert.equal(left.length, 1, "the writer died after it wrote its new file");
  assert.deepEqual(secretsOf(await readStateFile(path)), secretsOf(state));

  // A young leftover could be a living writer's; an old one goes with the next write.
  await writeStateFile(path, other);
  assert.equal((await readdir(join(path, ".."))).length, 2);
  const longAgo = new Date(Date.now() - 61_000);
  await utimes(join(path, "..", left[0] as string), longAgo, longAgo);
  await writeFile(`${path}.backup.new`, "somebody else's");
  await utimes(`${path}.backup.new`, longAgo, longAgo);
  await writeStateFile(path, other);
  assert.deepEqual((await readdir(join(path, ".."))).sort(), ["qpq-state.bin", "qpq-state.bin.backup.new"]);
  assert.deepEqual(secretsOf(await readStateFile(path)), secretsOf(other));
});

test("a process killed before its first write ever leaves no state file", async () => {
  const path = newPath();
  await crashBeforeRename(path);
  assert.equal(await readStateFile(path), undefined);
});

test("a state prints no secret", () => {
  const text = inspect(state, { depth: 9, showHidden: true });
  assert.equal(text, "{ identity: [secret], hybridKeyPair: [secret], databaseKey: [secret] }");
});
