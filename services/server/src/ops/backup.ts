/**
 * A backup of a server on the embedded store: a folder with its store file, blobs and all, its message log if it has one,
 * and the secrets that it made for itself, without which nobody could log in or know it again. It is as secret as the data folder.
 *
 * It is made beside the running server and holds all that was acknowledged before it began. It appears under its name
 * when it is whole and on the disk, so what a killed backup leaves is never taken for one.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { QpqError } from "quicproquo-proto";
import {
  adoptStoreFile,
  copyMessageLog,
  copyStoreFile,
  examineMessageLog,
  inspectStoreFile,
  isLogFileName,
} from "../store/index.ts";

const storeName = "qpq.db";
const manifestName = "backup.json";
/** The folder of the message log, of a store that has one. */
const logName = "messages";
/** What a server makes in its data folder. Those that the operator gives by settings are the operator's to keep. */
const secretNames = ["opaque-setup", "transport-secret", "auth-token", "server-key.der", "server-cert.der"] as const;

type BackupFile = { readonly name: string; readonly bytes: number; readonly sha256: string };

type Manifest = {
  /** 2: there is a message log in it. */
  readonly format: 1 | 2;
  readonly madeAt: string;
  /** Migrations that the store file has taken. */
  readonly tables: number;
  readonly storeEpoch: string;
  readonly files: readonly BackupFile[];
};

export type BackupPlace = { readonly dataDir: string; readonly folder: string; readonly nowMs: number };

/** Answers what is in it. E080_BACKUP, E081_WOULD_OVERWRITE, E037_STORE_SCHEMA, E035_STORE_FULL, E020_STORE_UNAVAILABLE. */
export async function makeBackup({ dataDir, folder, nowMs }: BackupPlace): Promise<Manifest> {
  const store = join(dataDir, storeName);
  if (!existsSync(store)) {
    throw new QpqError("E080_BACKUP", { text: `there is no store ${store}; name the server's folder with --data-dir` });
  }
  if (existsSync(folder)) {
    throw new QpqError("E081_WOULD_OVERWRITE", { text: `${folder} is there already; name a folder that is not` });
  }
  const partial = `${resolve(folder)}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  try {
    const copy = join(partial, storeName);
    copyStoreFile(store, copy);
    const { version: tables, storeEpoch } = inspectStoreFile(copy);
    for (const name of secretNames.filter((name) => existsSync(join(dataDir, name)))) {
      copyFileSync(join(dataDir, name), join(partial, name), constants.COPYFILE_EXCL);
    }
    const logNames = await copyLog(store, partial);
    const names = [storeName, ...logNames, ...secretNames].filter((name) => existsSync(join(partial, name)));
    const files = await Promise.all(names.map((name) => describeFile(partial, name)));
    const madeAt = new Date(nowMs).toISOString();
    const format = logNames.length > 0 ? 2 : 1;
    const manifest: Manifest = { format, madeAt, tables, storeEpoch: String(storeEpoch), files };
    writeFileSync(join(partial, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
    const folders = logNames.length > 0 ? [logName, "."] : ["."];
    for (const name of [...names, manifestName, ...folders]) sync(join(partial, name));
    renameSync(partial, resolve(folder));
    sync(dirname(resolve(folder)));
    return manifest;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

export type Restored = { readonly manifest: Manifest; readonly storeEpoch: bigint };

/**
 * Puts a backup where there is no store, and raises the store's epoch: every reader is told gap{epochReset} once. Nothing
 * that is there is overwritten. The store file appears last, so a restore that was killed is begun again.
 * E080_BACKUP, E081_WOULD_OVERWRITE, E037_STORE_SCHEMA, E035_STORE_FULL, E020_STORE_UNAVAILABLE.
 */
export async function restoreBackup({ dataDir, folder, nowMs }: BackupPlace): Promise<Restored> {
  const manifest = readManifest(folder);
  await requireUnaltered(folder, manifest);
  const names = manifest.files.map(({ name }) => name);
  const logNames = names.filter((name) => isOfLog(name));
  const secrets = names.filter((name) => name !== storeName && !isOfLog(name));
  requireFree(dataDir, [storeName, `${storeName}-wal`]);
  const missing = secrets.filter((name) => !isSame(join(dataDir, name), join(folder, name)));
  requireFree(dataDir, missing);
  // What a restore that was killed has put there already is not in the way.
  if (!logNames.every((name) => isSame(join(dataDir, name), join(folder, name)))) requireFree(dataDir, [logName]);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const restoring = join(dataDir, `${storeName}.restoring`);
  const leftovers = ["", "-wal", "-shm", ".lock"].map((end) => `${restoring}${end}`);
  for (const file of leftovers) rmSync(file, { force: true });
  copyFileSync(join(folder, storeName), restoring, constants.COPYFILE_EXCL);
  const restoringLog = `${join(dataDir, logName)}.restoring`;
  rmSync(restoringLog, { recursive: true, force: true });
  if (logNames.length > 0) {
    mkdirSync(restoringLog, { mode: 0o700 });
    for (const name of logNames) copyFileSync(join(folder, name), join(restoringLog, basename(name)));
    examineMessageLog(restoring, restoringLog);
  }
  const storeEpoch = adoptStoreFile(restoring, nowMs);
  rmSync(`${restoring}.lock`, { force: true });
  for (const name of missing) copyFileSync(join(folder, name), join(dataDir, name), constants.COPYFILE_EXCL);
  for (const name of missing) sync(join(dataDir, name));
  if (logNames.length > 0) {
    for (const name of [...logNames.map((name) => basename(name)), "."]) sync(join(restoringLog, name));
    rmSync(join(dataDir, logName), { recursive: true, force: true });
    renameSync(restoringLog, join(dataDir, logName));
    sync(dataDir);
  }
  sync(restoring);
  renameSync(restoring, join(dataDir, storeName));
  sync(dataDir);
  return { manifest, storeEpoch };
}

function readManifest(folder: string): Manifest {
  const file = join(folder, manifestName);
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new QpqError("E080_BACKUP", { text: `${file} cannot be read: ${folder} is no whole backup`, cause });
  }
  if (manifest.format === 1 || manifest.format === 2) return manifest;
  throw new QpqError("E080_BACKUP", { text: `${folder} was made by a newer version; restore it with that one` });
}

async function requireUnaltered(folder: string, { files }: Manifest): Promise<void> {
  const names: readonly string[] = [storeName, ...secretNames];
  const isKnown = (name: string) => names.includes(name) || isOfLog(name);
  if (!files.some(({ name }) => name === storeName) || !files.every(({ name }) => isKnown(name))) {
    throw new QpqError("E080_BACKUP", { text: `${folder}/${manifestName} names other files than a backup has` });
  }
  for (const { name, sha256 } of files) {
    const found = await describeFile(folder, name).catch(() => undefined);
    if (found?.sha256 === sha256) continue;
    const text = `${join(folder, name)} is not what was backed up; take another backup, this one is damaged`;
    throw new QpqError("E080_BACKUP", { text });
  }
}

/** Behind the copy of the store file: see copyMessageLog. */
async function copyLog(store: string, partial: string): Promise<readonly string[]> {
  const folder = join(partial, logName);
  mkdirSync(folder, { mode: 0o700 });
  const names = await copyMessageLog(store, folder);
  if (names === undefined) rmSync(folder, { recursive: true });
  return (names ?? []).map((name) => `${logName}/${name}`);
}

function isOfLog(name: string): boolean {
  return name.startsWith(`${logName}/`) && isLogFileName(name.slice(logName.length + 1));
}

function requireFree(dataDir: string, names: readonly string[]): void {
  const taken = names.map((name) => join(dataDir, name)).find((file) => existsSync(file));
  if (taken === undefined) return;
  const text = `${taken} is there already; name an empty folder with --data-dir, or move that one away: mv ${dataDir} ${dataDir}.old`;
  throw new QpqError("E081_WOULD_OVERWRITE", { text });
}

function isSame(file: string, other: string): boolean {
  return existsSync(file) && readFileSync(file).equals(readFileSync(other));
}

async function describeFile(folder: string, name: string): Promise<BackupFile> {
  const file = join(folder, name);
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return { name, bytes: statSync(file).size, sha256: hash.digest("hex") };
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
