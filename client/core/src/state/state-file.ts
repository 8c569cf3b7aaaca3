/**
 * qpq-state.bin: the client state as a file of Node. A write is whole or not at all: write a new file, fsync, rename
 * over the old, fsync the folder; who reads meanwhile, or after a crash at any point, gets the old state or the new.
 * Of several writers the last rename wins. The file is for its owner only (mode 0600), encrypted or not.
 */
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { primitives } from "#primitives";
import { QpqError } from "quicproquo-proto";
import { type ClientState, decodeClientState, encodeClientState } from "./client-state.ts";
import { decryptState, encryptState, isEncryptedState } from "./state-cipher.ts";

export type StateFileOptions = {
  /** Given: the file is (to be) the encrypted form. Left out: the plain form. A string cannot be wiped from memory. */
  readonly password?: string | undefined;
};

/** 197 and 245 bytes are written today; a file over this is somebody else's and isn't read. */
const stateFileBytesMax = 4096;
const ownerOnly = 0o600;
const ownerOnlyFolder = 0o700;
const othersMask = 0o077;
/** A write takes milliseconds: a new file this much older than ours was left by a writer that died. */
const leftoverAgeMs = 60_000;
/** Windows has no mode bits and cannot fsync a folder. */
const posix = process.platform !== "win32";

/**
 * undefined when there is no file. Throws E044_STATE_FILE when it cannot be used (damaged, unreadable, open to other
 * users, plain although a password was given), E045_WRONG_PASSWORD when it is encrypted and does not open.
 */
export async function readStateFile(path: string, options: StateFileOptions = {}): Promise<ClientState | undefined> {
  const bytes = await readOwnFile(path);
  if (bytes === undefined) return undefined;
  const encrypted = isEncryptedState(bytes);
  if (!encrypted && options.password !== undefined) {
    // Otherwise whoever can replace the file could hand an encrypted client a plain identity of their own.
    const text = "the client state file is not in the encrypted form; leave the password out if it never was";
    throw new QpqError("E044_STATE_FILE", { text });
  }
  if (encrypted && options.password === undefined) {
    throw new QpqError("E045_WRONG_PASSWORD", { text: "the client state file is encrypted; give its password" });
  }
  const plain = options.password === undefined ? bytes : await decryptState(bytes, options.password);
  try {
    return decodeClientState(plain);
  } finally {
    plain.fill(0);
  }
}

/**
 * Durable when it resolves; makes the folder when it is missing. Throws E044_STATE_FILE when it cannot be written: the
 * old file stands then, or, when only the last fsync failed, the new one.
 */
export async function writeStateFile(path: string, state: ClientState, options: StateFileOptions = {}): Promise<void> {
  const plain = encodeClientState(state);
  try {
    const bytes = options.password === undefined ? plain : await encryptState(plain, options.password);
    await replaceFile(path, bytes);
  } catch (error) {
    throw stateFileError(error, "written");
  } finally {
    plain.fill(0);
  }
}

async function readOwnFile(path: string): Promise<Uint8Array | undefined> {
  try {
    await using file = await open(path, "r");
    const facts = await file.stat(); // of the open file, not of the path, which could be another one by now
    if (!facts.isFile() || facts.size > stateFileBytesMax) {
      throw new QpqError("E044_STATE_FILE", { text: "the file is not a client state file" });
    }
    if (posix && (facts.mode & othersMask) !== 0) {
      const fields = { mode: (facts.mode & 0o777).toString(8).padStart(4, "0") };
      const text = `other users can use the client state file; run: chmod 600 ${shellWord(path)}`;
      throw new QpqError("E044_STATE_FILE", { fields, text });
    }
    return await file.readFile();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw stateFileError(error, "read");
  }
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: ownerOnlyFolder });
  // A name of its own for every writer: two at once never write into one file.
  const newPath = `${path}.${Buffer.from(primitives.randomBytes(8)).toString("hex")}.new`;
  try {
    await writeDurably(newPath, bytes);
    await rename(newPath, path);
  } catch (error) {
    await rm(newPath, { force: true });
    throw error;
  }
  if (posix) {
    await using handle = await open(folder, "r");
    await handle.sync();
  }
  await removeLeftovers(path);
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx", ownerOnly);
  await file.writeFile(bytes);
  await file.sync();
}

/** New files of writers that died between write and rename hold secrets: they go with the next write. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  const { mtimeMs } = await stat(path);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{16}\.new$/.test(name.slice(prefix.length))) continue;
    const leftover = join(folder, name);
    const facts = await stat(leftover).catch(() => undefined); // gone: its writer lives and has renamed it
    if (facts !== undefined && facts.mtimeMs < mtimeMs - leftoverAgeMs) await rm(leftover, { force: true });
  }
}

function stateFileError(error: unknown, done: "read" | "written"): unknown {
  if (error instanceof QpqError || !(error instanceof Error)) return error;
  const reason = "code" in error ? String(error.code) : error.name;
  return new QpqError("E044_STATE_FILE", { text: `the client state file cannot be ${done}: ${reason}`, cause: error });
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** The path as one word of a shell, so that the named command can be pasted. */
function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
