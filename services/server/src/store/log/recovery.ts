/**
 * Reads what the log's folder holds: the newest checkpoint, and the segments behind it.
 *
 * Believed are whole batches only. Behind the last one there may be the rest of a batch that was being written when the
 * process ended: nobody was told that it is durable, and it is cut off. Anything else that is missing is damage.
 */
import { checkpointPath, type LogFiles, listLogFolder, segmentPath } from "./files.ts";
import { fileHeaderBytes } from "./format.ts";
import type { RecordTarget } from "./records.ts";
import { damaged, openScanned, type ScannedFile, scanBatches, tornBytesOf } from "./scan.ts";

export type LogSource = { readonly files: LogFiles; readonly folder: string; readonly logId: number };

export type Replayed = {
  /** The number of the checkpoint that was read; 0: there is none. */
  readonly checkpoint: number;
  /** All segments that are there, ascending. */
  readonly segments: readonly number[];
  /** The one that is written on; undefined: its header is not whole, or there is none. */
  readonly last: ScannedFile | undefined;
  /** Bytes behind its last whole batch. */
  readonly tornBytes: number;
};

/** All that was made durable, and what is whole beyond it. E038_STORE_DAMAGED, E037_STORE_SCHEMA. */
export function replayAll(source: LogSource, target: RecordTarget): Replayed {
  const { files, folder } = source;
  const { checkpoint, segments, followers } = beginReplay(source, target);
  let last: ScannedFile | undefined;
  let tornBytes = 0;
  for (const [i, number] of followers.entries()) {
    const isLast = i === followers.length - 1;
    const path = segmentPath(folder, number);
    const opened = openScanned(files, { ...source, path, number }, "segment");
    if (opened === undefined && isLast && !holdsBatches(files.readAll(path))) break;
    if (opened === undefined) throw damaged(`${path} has no header`);
    last = scanBatches(opened, target);
    tornBytes = tornBytesOf(last);
    if (tornBytes > 0 && !isLast) throw damaged(`${path} is damaged at byte ${last.end}`);
  }
  return { checkpoint, segments, last, tornBytes };
}

/** The state before a segment, of segments that are no longer written. E038_STORE_DAMAGED. */
export function replayBefore(source: LogSource, target: RecordTarget, end: number): void {
  const { followers } = beginReplay(source, target);
  for (const number of followers) if (number < end) replaySealed(source, target, number);
}

export type Position = { readonly segment: number; readonly offset: number };

/** What stands before a position that another thread has told. */
export function replayUpTo(source: LogSource, target: RecordTarget, { segment, offset }: Position): void {
  const { files, folder } = source;
  const { followers } = beginReplay(source, target);
  for (const number of followers) {
    if (number < segment) replaySealed(source, target, number);
    if (number !== segment) continue;
    const path = segmentPath(folder, number);
    const opened = openScanned(files, { ...source, path, number }, "segment");
    if (opened === undefined) throw damaged(`${path} has no header`);
    const { end } = scanBatches(opened, target, offset);
    if (end !== offset) throw damaged(`${path} is damaged at byte ${end}`);
  }
}

function replaySealed(source: LogSource, target: RecordTarget, number: number): void {
  const path = segmentPath(source.folder, number);
  const opened = openScanned(source.files, { ...source, path, number }, "segment");
  if (opened === undefined) throw damaged(`${path} has no header`);
  const scanned = scanBatches(opened, target);
  if (tornBytesOf(scanned) > 0) throw damaged(`${path} is damaged at byte ${scanned.end}`);
}

function beginReplay(source: LogSource, target: RecordTarget) {
  const { segments, checkpoints } = listLogFolder(source.files, source.folder);
  const checkpoint = checkpoints.at(-1) ?? 0;
  if (checkpoint > 0) readCheckpoint(source, target, checkpoint);
  const followers = segments.filter((number) => number >= checkpoint);
  const first = Math.max(1, checkpoint);
  for (const [i, number] of followers.entries()) {
    if (number !== first + i) throw damaged(`${segmentPath(source.folder, first + i)} is missing`);
  }
  return { checkpoint, segments, followers };
}

function readCheckpoint(source: LogSource, target: RecordTarget, number: number): void {
  const path = checkpointPath(source.folder, number);
  const opened = openScanned(source.files, { ...source, path, number }, "checkpoint");
  if (opened === undefined) throw damaged(`${path} has no header`);
  const { end, batches, bytes, header } = scanBatches(opened, target);
  // An empty batch is its end.
  const isWhole = end === bytes.length && batches > 0 && bytes.readUInt32LE(end - 8) === 0;
  if (!isWhole || header.number !== number) throw damaged(`${path} is damaged at byte ${end}`);
}

/** A segment's header is on the disk before its first batch is written. */
function holdsBatches(bytes: Buffer): boolean {
  return bytes.subarray(fileHeaderBytes).some((byte) => byte !== 0);
}
