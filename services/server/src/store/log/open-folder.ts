/** Opens the folder of a log for writing: what stands in it, and the segment that is written on. */
import { BatchFile } from "./batch-file.ts";
import { closedPath, listLogFolder, segmentPath, unfinishedEnd } from "./files.ts";
import type { Positions } from "./positions.ts";
import { type LogSource, type Replayed, replayAll } from "./recovery.ts";
import { damaged, type ScannedFile } from "./scan.ts";
import { LogState } from "./state.ts";

export type JournalOptions = LogSource & {
  readonly positions: Positions;
  /** A segment is followed by the next one when it would grow beyond this; a larger batch has one for itself. */
  readonly segmentBytesMax: number;
  /** Of all segments together. */
  readonly bytesMax: number;
};

/** What was found when it was opened. */
export type Recovery = {
  /** Bytes of a batch that had not become durable, and were cut off. */
  readonly tornBytes: number;
  readonly segments: number;
  readonly checkpoint: number;
};

export type OpenedFolder = {
  readonly state: LogState;
  readonly file: BatchFile;
  readonly sealed: Map<number, number>;
  readonly recovery: Recovery;
};

/** E038_STORE_DAMAGED, E037_STORE_SCHEMA, or what the disk says. */
export function openFolder(options: JournalOptions): OpenedFolder {
  const { files, folder } = options;
  for (const path of listLogFolder(files, folder).unfinished) files.remove(path);
  const closedAt = readClosed(options);
  const state = new LogState();
  const replayed = replayAll(options, state);
  const { last, segments, checkpoint, tornBytes } = replayed;
  requireWhole(options, state, replayed);
  const sealed = new Map<number, number>();
  for (const number of segments) sealed.set(number, bytesOf(options, number));
  const recovery = { tornBytes, segments: segments.length, checkpoint };
  if (last === undefined || last.header.number !== segments.at(-1)) {
    // The process ended while it made the segment: nothing stands in it.
    const number = segments.at(-1) ?? 1;
    files.remove(segmentPath(folder, number));
    sealed.delete(number);
    return { state, file: createSegment(options, number), sealed, recovery };
  }
  if (closedAt !== undefined && closedAt !== `${last.header.number} ${last.end}`) {
    throw damaged(`${last.path} ends at byte ${last.end}, and was closed as ${closedAt}`);
  }
  if (closedAt === undefined) writeAnew(options, last);
  files.remove(closedPath(folder));
  files.syncFolder(folder);
  sealed.delete(last.header.number);
  const file = files.open(segmentPath(folder, last.header.number));
  return { state, file: new BatchFile(files, { ...last, file }), sealed, recovery };
}

/** The bodies of all messages that stand are there. */
function requireWhole({ folder }: JournalOptions, state: LogState, { segments, last, checkpoint }: Replayed): void {
  const there = new Set(segments);
  for (const number of state.use.segments) {
    if (!there.has(number)) throw damaged(`${segmentPath(folder, number)} is missing`);
  }
  if (last === undefined && checkpoint > 0) throw damaged(`${segmentPath(folder, checkpoint)} is missing`);
}

function readClosed({ files, folder }: JournalOptions): string | undefined {
  try {
    const words = files.readAll(closedPath(folder)).toString("latin1");
    return words.endsWith("\n") ? words.slice(0, -1) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * A process that ended may have been told that the disk did not take its last writes; what it reads as now may be only
 * in memory, and is not written again by a sync. So what is whole in it gets pages of its own.
 */
function writeAnew(options: JournalOptions, last: ScannedFile): void {
  try {
    writeBeside(options, last);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    writeOver(options, last);
  }
}

function writeBeside({ files, folder }: JournalOptions, { path, bytes, end }: ScannedFile): void {
  const unfinished = `${path}${unfinishedEnd}`;
  const file = files.create(unfinished);
  try {
    files.write(file, bytes.subarray(0, end), 0);
    files.sync(file);
  } catch (error) {
    files.remove(unfinished);
    throw error;
  } finally {
    files.close(file);
  }
  files.rename(unfinished, path);
  files.syncFolder(folder);
}

/** On a disk without room for a second one: its own pages, with what they should hold anyway, whenever that is cut off. */
function writeOver({ files }: JournalOptions, { path, bytes, end }: ScannedFile): void {
  const file = files.open(path);
  try {
    files.write(file, bytes.subarray(0, end), 0);
    files.sync(file);
  } finally {
    files.close(file);
  }
}

function bytesOf({ files, folder }: JournalOptions, number: number): number {
  const file = files.openToRead(segmentPath(folder, number));
  try {
    return files.bytesOf(file);
  } finally {
    files.close(file);
  }
}

/** Its name and its header are on the disk when it returns: a segment that has a batch has them. */
export function createSegment({ files, folder, logId }: LogSource, number: number): BatchFile {
  const path = segmentPath(folder, number);
  const file = BatchFile.create(files, path, { logId, number, kind: "segment" });
  try {
    file.sync();
    files.syncFolder(folder);
    return file;
  } catch (error) {
    file.close();
    files.remove(path);
    throw error;
  }
}
