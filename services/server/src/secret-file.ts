/**
 * Secrets that the server makes at first start and keeps in its data folder, one file each (mode 0600, one line). A file
 * that others can read is an error that names the command to run.
 */
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";

export type SecretFile = { readonly text: string; readonly file: string; readonly created: boolean };

/** 32 random bytes in base64url. E046_CONFIG when others can read the file. */
export function loadOrCreateSecret(dataDir: string, name: string): SecretFile {
  return loadSecret(dataDir, name) ?? createSecret(dataDir, name, randomBytes(32).toString("base64url"));
}

/** undefined: there is no such file. E046_CONFIG when others can read it. */
export function loadSecret(dataDir: string, name: string): SecretFile | undefined {
  const file = join(dataDir, name);
  if (!existsSync(file)) return undefined;
  requireOwnerOnly(file);
  return { text: readFileSync(file, "utf8").trim(), file, created: false };
}

export function createSecret(dataDir: string, name: string, text: string): SecretFile {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, name);
  const descriptor = openSync(file, "wx", 0o600);
  try {
    writeSync(descriptor, `${text}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return { text, file, created: true };
}

export function requireOwnerOnly(file: string): void {
  const refusal = wideModeOf(file);
  if (refusal !== undefined) throw new QpqError("E046_CONFIG", { text: refusal });
}

/** Why the file must not be used, and what to do. Another user's may be read through its group: so secrets are mounted. */
export function wideModeOf(file: string): string | undefined {
  const { mode, uid } = statSync(file);
  const wide = uid === process.getuid?.() ? 0o077 : 0o027;
  if (process.platform === "win32" || (mode & wide) === 0) return undefined;
  return `${file} can be read by others; run: chmod 600 ${file}`;
}
