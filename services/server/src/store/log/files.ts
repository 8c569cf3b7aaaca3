/**
 * The few things that the log does to files, so that a test can see each write and each sync, and forget what was not
 * synced. Also the names of the log's files.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";

/** Of one call: Linux reads less than 2 GiB. */
const readBytesMax = 2 ** 30;

export const diskFiles = {
  /** Makes the file; it must not be there. Readable for its owner only. */
  create: (path: string): number => openSync(path, "wx+", 0o600),
  open: (path: string): number => openSync(path, "r+"),
  openToRead: (path: string): number => openSync(path, "r"),
  close: (file: number): void => closeSync(file),
  /** All of the bytes, or an error. */
  write(file: number, bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file, bytes, done, bytes.length - done, at + done);
    }
  },
  /** Contents and size. */
  sync: (file: number): void => fdatasyncSync(file),
  truncate: (file: number, bytes: number): void => ftruncateSync(file, bytes),
  read: (file: number, into: Uint8Array, at: number): number => readSync(file, into, 0, into.length, at),
  bytesOf: (file: number): number => fstatSync(file).size,
  readAll(path: string): Buffer {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.allocUnsafeSlow(fstatSync(file).size);
      for (let done = 0; done < bytes.length; ) {
        const more = readSync(file, bytes, done, Math.min(bytes.length - done, readBytesMax), done);
        if (more === 0) return bytes.subarray(0, done);
        done += more;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  },
  rename: (from: string, to: string): void => renameSync(from, to),
  remove: (path: string): void => rmSync(path, { force: true }),
  /** The folder, and the one it stands in is not synced here. */
  makeFolder: (path: string): void => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  list: (path: string): string[] => readdirSync(path),
  /** Names that were made or removed in the folder. */
  syncFolder(path: string): void {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
};
export type LogFiles = typeof diskFiles;

export function segmentPath(folder: string, number: number): string {
  return join(folder, `${nameOf(number)}.log`);
}

/** The state before the segment with the number. */
export function checkpointPath(folder: string, number: number): string {
  return join(folder, `${nameOf(number)}.state`);
}

/** There as long as the last segment was closed in order: all of it is on the disk. */
export function closedPath(folder: string): string {
  return join(folder, "closed");
}

/** Room that a checkpoint takes when there is no other: behind it segments can go. */
export function reservePath(folder: string): string {
  return join(folder, "reserve");
}

export const unfinishedEnd = ".unfinished";

export type LogFolder = {
  /** Ascending. */
  readonly segments: readonly number[];
  readonly checkpoints: readonly number[];
  readonly hasReserve: boolean;
  /** What a process that ended in the middle left behind. */
  readonly unfinished: readonly string[];
};

export function listLogFolder(files: LogFiles, folder: string): LogFolder {
  const names = files.list(folder);
  const numbered = (end: string) =>
    names
      .filter((name) => /^\d{8,}$/.test(name.slice(0, -end.length)) && name.endsWith(end))
      .map((name) => Number(name.slice(0, -end.length)))
      .sort((a, b) => a - b);
  return {
    segments: numbered(".log"),
    checkpoints: numbered(".state"),
    hasReserve: names.includes(basename(reservePath(folder))),
    unfinished: names.filter((name) => name.endsWith(unfinishedEnd)).map((name) => join(folder, name)),
  };
}

function nameOf(number: number): string {
  return String(number).padStart(8, "0");
}
