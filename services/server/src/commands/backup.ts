/** `qpq-server backup FOLDER` and `qpq-server restore FOLDER`, of the embedded store. */
import { QpqError } from "quicproquo-proto";
import type { ServerConfig } from "../config.ts";
import { makeBackup, restoreBackup } from "../ops/backup.ts";
import type { Program } from "./program.ts";

/** E046_CONFIG, E048_USAGE, and those of makeBackup. */
export async function backup(config: ServerConfig, { print, words }: Program): Promise<void> {
  const folder = folderOf(words, "backup");
  requireEmbedded(config, "back up the database: pg_basebackup or pg_dump");
  const { dataDir } = config;
  const { files, storeEpoch } = await makeBackup({ dataDir, folder, nowMs: Date.now() });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  print(`backup        ${folder}: ${files.map(({ name }) => name).join(", ")}, ${bytes} bytes, store epoch ${storeEpoch}
secret        as ${dataDir} is: whoever has it has the keys of this server
next          qpq-server restore ${folder} --data-dir EMPTY_FOLDER
`);
}

/** E046_CONFIG, E048_USAGE, and those of restoreBackup. */
export async function restore(config: ServerConfig, { print, words }: Program): Promise<void> {
  const folder = folderOf(words, "restore");
  requireEmbedded(config, "restore the database, then run: qpq-server promote");
  const { dataDir } = config;
  const { manifest, storeEpoch } = await restoreBackup({ dataDir, folder, nowMs: Date.now() });
  print(`restored      ${folder}, made ${manifest.madeAt}, to ${dataDir}
store epoch   ${manifest.storeEpoch} before, ${storeEpoch} now: every reader is told gap{epochReset} once
lost          what was acknowledged after ${manifest.madeAt}; tokens revoked since are good again (qpq-server users revoke)
next          qpq-server --data-dir ${dataDir}
`);
}

function folderOf(words: readonly string[], name: string): string {
  const [folder] = words;
  if (words.length === 1 && folder !== undefined) return folder;
  throw new QpqError("E048_USAGE", { text: `say one folder: qpq-server ${name} FOLDER` });
}

function requireEmbedded({ cluster }: ServerConfig, instead: string): void {
  if (cluster === undefined) return;
  throw new QpqError("E046_CONFIG", { text: `this is for the embedded store; of the cluster's ${instead}` });
}
