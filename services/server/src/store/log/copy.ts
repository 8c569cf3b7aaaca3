/** Copies of a message log: one that is made beside the server that writes it, and its examination before it is used. */
import { createReadStream, createWriteStream } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { QpqError } from "quicproquo-proto";
import { diskFiles, checkpointPath, listLogFolder, segmentPath } from "./files.ts";
import { hasLogFolder, logFolderOf } from "./folder.ts";
import { fileHeaderBytes, readFileHeader } from "./format.ts";
import { replayAll } from "./recovery.ts";
import { damaged, scanBatches } from "./scan.ts";
import { LogState } from "./state.ts";

/** The server removes files at most this often while they are opened one after the other. */
const triesMax = 20;
const logFile = /^\d{8,}\.(?:log|state)$/;

/** A name that a log's folder may have in it, and a copy of one. */
export function isLogFileName(name: string): boolean {
  return logFile.test(name);
}

/**
 * Copies the log of the store with the file into a folder, which must be there and be empty; answers the names. undefined:
 * the store has none. All that was durable when it began is in it, and of what came later whole batches, in order: what a
 * crash at some moment of it would have left. It is not synced here. To be made after the copy of qpq.db: what an erasure
 * has removed from the log may still have its account there, not the other way round.
 */
export async function copyMessageLog(file: string, to: string): Promise<readonly string[] | undefined> {
  if (!hasLogFolder(file)) return undefined;
  const { folder } = nameOfLog(file);
  const opened = openAll(folder);
  try {
    for (const { path, descriptor } of opened) {
      const copy = join(to, basename(path));
      const from = createReadStream(path, { fd: descriptor, start: 0, autoClose: false });
      await pipeline(from, createWriteStream(copy, { flags: "wx", mode: 0o600 }));
      if (path.endsWith(".log")) cutToWholeBatches(copy);
    }
  } finally {
    for (const { descriptor } of opened) diskFiles.close(descriptor);
  }
  return opened.map(({ path }) => basename(path));
}

/** Reads a copied log as a start would. E080_BACKUP when it is damaged, or not the log of the store file. */
export function examineMessageLog(file: string, folder: string): void {
  const { logId } = nameOfLog(file);
  try {
    const state = new LogState();
    const { segments } = replayAll({ files: diskFiles, folder, logId }, state);
    const there = new Set(segments);
    for (const number of state.use.segments) {
      if (!there.has(number)) throw damaged(`${segmentPath(folder, number)} is missing`);
    }
  } catch (cause) {
    throw new QpqError("E080_BACKUP", { text: "the backup's message log is damaged; take another backup", cause });
  }
}

type Opened = { readonly path: string; readonly descriptor: number };

/** What a start would read, each file open: removed ones are still read. */
function openAll(folder: string): Opened[] {
  for (let tries = 1; ; tries++) {
    const { segments, checkpoints } = listLogFolder(diskFiles, folder);
    const checkpoint = checkpoints.at(-1);
    const paths = segments.map((number) => segmentPath(folder, number));
    if (checkpoint !== undefined) paths.unshift(checkpointPath(folder, checkpoint));
    const opened: Opened[] = [];
    try {
      for (const path of paths) opened.push({ path, descriptor: diskFiles.openToRead(path) });
      return opened;
    } catch (error) {
      for (const { descriptor } of opened) diskFiles.close(descriptor);
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === triesMax) throw error;
    }
  }
}

/** The server wrote on while it was read: behind the first batch that is not whole others may be. */
function cutToWholeBatches(path: string): void {
  const bytes = diskFiles.readAll(path);
  const header = readFileHeader(bytes);
  if (header === undefined) throw damaged(`${path} has no header`);
  const { end } = scanBatches({ path, bytes, header }, ignoring);
  const file = diskFiles.open(path);
  diskFiles.truncate(file, Math.max(end, fileHeaderBytes));
  diskFiles.close(file);
}

function nameOfLog(file: string) {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return logFolderOf(db, file);
  } finally {
    db.close();
  }
}

const nothing = (): void => undefined;
const ignoring = {
  message: nothing,
  mark: nothing,
  ack: nothing,
  trim: nothing,
  tombstone: nothing,
  removeInbox: nothing,
  forgetIds: nothing,
  group: nothing,
  groupCommit: nothing,
  removeGroup: nothing,
  removeGroupCommit: nothing,
  inbox: nothing,
  standing: nothing,
  id: nothing,
};
