/**
 * A backup of a server on the embedded store: a folder with its store file, blobs and all, and the secrets that it made
 * for itself, without which nobody could log in or know it again. It is as secret as the data folder.
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
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { QpqError } from "quicproquo-proto";
import { adoptStoreFile, copyStoreFile, inspectStoreFile } from "../store/index.ts";

const storeName = "qpq.db";
const manifestName = "backup.json";
/** What a server makes in its data folder. Those that the operator gives by settings are the operator's to keep. */
const secretNames = ["opaque-setup", "transport-secret", "auth-token", "server-key.der", "server-cert.der"] as const;

type BackupFile = { readonly name: string; readonly bytes: number; readonly sha256: string };

type Manifest = {
  readonly format: 1;
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
    const names = [storeName, ...secretNames].filter((name) => existsSync(join(partial, name)));
    const files = await Promise.all(names.map((name) => describeFile(partial, name)));
    const madeAt = new Date(nowMs).toISOString();
    const manifest: Manifest = { format: 1, madeAt, tables, storeEpoch: String(storeEpoch), files };
    writeFileSync(join(partial, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
    for (const name of [...names, manifestName, "."]) sync(join(partial, name));
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
  const secrets = manifest.files.map(({ name }) => name).filter((name) => name !== storeName);
  requireFree(dataDir, [storeName, `${storeName}-wal`]);
  const missing = secrets.filter((name) => !isSame(join(dataDir, name), join(folder, name)));
  requireFree(dataDir, missing);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const restoring = join(dataDir, `${storeName}.restoring`);
  const leftovers = ["", "-wal", "-shm", ".lock"].map((end) => `${restoring}${end}`);
  for (const file of leftovers) rmSync(file, { force: true });
  copyFileSync(join(folder, storeName), restoring, constants.COPYFILE_EXCL);
  const storeEpoch = adoptStoreFile(restoring, nowMs);
  rmSync(`${restoring}.lock`, { force: true });
  for (const name of missing) copyFileSync(join(folder, name), join(dataDir, name), constants.COPYFILE_EXCL);
  for (const name of missing) sync(join(dataDir, name));
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
  if (manifest.format === 1) return manifest;
  throw new QpqError("E080_BACKUP", { text: `${folder} was made by a newer version; restore it with that one` });
}

async function requireUnaltered(folder: string, { files }: Manifest): Promise<void> {
  const names: readonly string[] = [storeName, ...secretNames];
  if (!files.some(({ name }) => name === storeName) || !files.every(({ name }) => names.includes(name))) {
    throw new QpqError("E080_BACKUP", { text: `${folder}/${manifestName} names other files than a backup has` });
  }
  for (const { name, sha256 } of files) {
    const found = await describeFile(folder, name).catch(() => undefined);
    if (found?.sha256 === sha256) continue;
    const text = `${join(folder, name)} is not what was backed up; take another backup, this one is damaged`;
    throw new QpqError("E080_BACKUP", { text });
  }
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
