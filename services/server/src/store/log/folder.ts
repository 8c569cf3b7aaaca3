/**
 * The log's folder beside qpq.db, and how the two know each other: qpq.db names the log it belongs to. The name is
 * written when the folder is whole, so a folder without it is one whose making was broken off.
 */
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { QpqError } from "quicproquo-proto";
import { type LogFiles, unfinishedEnd } from "./files.ts";
import { damaged } from "./scan.ts";
import { buildLogFromTables, dropMessageTables, hasMessageTables, type Progress } from "./takeover.ts";

export type LogFolderName = { readonly folder: string; readonly logId: number };

/** Of a store that has one. */
export function logFolderOf(db: DatabaseSync, file: string): LogFolderName {
  const logId = readLogId(db);
  if (logId === undefined) throw damaged(`${file} names no message log`);
  return { folder: folderBeside(file), logId };
}

/** The store has a log, or one is being made for it. */
export function hasLogFolder(file: string): boolean {
  const folder = folderBeside(file);
  return existsSync(folder) || existsSync(`${folder}${unfinishedEnd}`);
}

/** Makes it when the store has none, of an older version's tables when there are. E037_STORE_SCHEMA, E038_STORE_DAMAGED. */
export function openLogFolder(
  { files, db, file }: { readonly files: LogFiles; readonly db: DatabaseSync; readonly file: string },
  progress: Progress,
): LogFolderName {
  const folder = folderBeside(file);
  const unfinished = `${folder}${unfinishedEnd}`;
  const logId = readLogId(db);
  if (logId !== undefined) {
    if (!existsSync(folder) && existsSync(unfinished)) moveIn(files, unfinished, folder);
    if (!existsSync(folder)) throw damaged(`${folder} is missing`);
    return { folder, logId };
  }
  if (existsSync(folder)) {
    throw new QpqError("E037_STORE_SCHEMA", {
      text: `${folder} is another store's: ${file} does not name it; move it away, or give another folder with --data-dir`,
    });
  }
  rmSync(unfinished, { recursive: true, force: true });
  files.makeFolder(unfinished);
  const newId = randomBytes(6).readUIntBE(0, 6) + 1;
  if (hasMessageTables(db)) buildLogFromTables({ files, folder: unfinished, logId: newId }, db, progress);
  files.syncFolder(unfinished);
  files.syncFolder(dirname(folder));
  db.exec("BEGIN IMMEDIATE");
  db.prepare("INSERT INTO meta (name, value) VALUES ('log_id', ?)").run(newId);
  dropMessageTables(db);
  db.exec("COMMIT");
  moveIn(files, unfinished, folder);
  return { folder, logId: newId };
}

function moveIn(files: LogFiles, unfinished: string, folder: string): void {
  renameSync(unfinished, folder);
  files.syncFolder(dirname(folder));
}

function readLogId(db: DatabaseSync): number | undefined {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'log_id'").get() as { value: number } | undefined;
  return row?.value;
}

function folderBeside(file: string): string {
  return join(dirname(file), "messages");
}
