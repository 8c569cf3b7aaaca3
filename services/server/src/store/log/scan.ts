/** Reads the batches of a file that was written before, and tells a torn end from damage. */
import { QpqError } from "quicproquo-proto";
import { type LogFiles } from "./files.ts";
import {
  batchHeaderBytes,
  type FileHeader,
  type FileKind,
  fileHeaderBytes,
  readFileHeader,
  readWholeBatch,
} from "./format.ts";
import { readRecords } from "./record-reader.ts";
import type { RecordTarget } from "./records.ts";

export type ScannedFile = {
  readonly path: string;
  readonly bytes: Buffer;
  readonly header: FileHeader;
  /** Where its whole batches end. */
  readonly end: number;
  readonly batches: number;
};

export type ExpectedFile = { readonly path: string; readonly logId: number; readonly number: number };

/** undefined: its header is not whole. E038_STORE_DAMAGED when it is another file's. */
export function openScanned(
  files: LogFiles,
  { path, logId, number }: ExpectedFile,
  kind: FileKind,
): Pick<ScannedFile, "path" | "bytes" | "header"> | undefined {
  const bytes = files.readAll(path);
  const header = readFileHeader(bytes);
  if (header === undefined) return undefined;
  if (header.logId !== logId || header.number !== number || header.kind !== kind) {
    throw damaged(`${path} belongs to another store`);
  }
  return { path, bytes, header };
}

/** Tells the target all records of the whole batches from the beginning on, up to `limit` bytes. */
export function scanBatches(
  opened: Pick<ScannedFile, "path" | "bytes" | "header">,
  target: RecordTarget,
  limit = opened.bytes.length,
): ScannedFile {
  const { bytes, header } = opened;
  let end = fileHeaderBytes;
  let batches = 0;
  while (end < limit) {
    const batch = readWholeBatch(bytes, end, header.mark);
    if (batch === undefined || batch.number !== batches) break;
    const start = end + batchHeaderBytes;
    end = start + batch.bytes;
    batches++;
    readRecords({ bytes, start, end, segment: header.number, base: 0 }, target);
  }
  return { ...opened, end, batches };
}

/**
 * What stands behind the last whole batch: 0 bytes of rubbish, or the bytes of a batch that was being written when the
 * process or the machine ended. E038_STORE_DAMAGED when a whole batch comes behind it: that one was acknowledged, and so
 * was what is missing.
 */
export function tornBytesOf({ path, bytes, header, end, batches }: ScannedFile): number {
  let last = bytes.length;
  while (last > end && bytes[last - 1] === 0) last--;
  for (let at = bytes.indexOf(header.mark, end + 1); at !== -1; at = bytes.indexOf(header.mark, at + 1)) {
    const batch = readWholeBatch(bytes, at, header.mark);
    if (batch === undefined || batch.number < batches) continue;
    throw damaged(`${path} is damaged at byte ${end}, and whole again at byte ${at}`);
  }
  return last - end;
}

export function damaged(what: string): QpqError {
  return new QpqError("E038_STORE_DAMAGED", {
    text: `${what}; move the data folder away and put a backup in its place: qpq-server restore FOLDER`,
  });
}
