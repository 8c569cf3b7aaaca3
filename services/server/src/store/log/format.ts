/**
 * The bytes of the log's files.
 *
 * A file (a segment, or a checkpoint) begins with a header of 40 bytes, and consists of batches. A batch is what was made
 * durable together: it counts whole or not at all. Each begins with its file's mark, 8 random bytes that nobody outside
 * knows, so that a batch can be told from bytes that a sender made look like one.
 *
 *     file    "QPQLOG01", log id (float64), file number (u32), kind (u32), mark (8 bytes), 4 zero bytes, CRC-32 of those before
 *     batch   mark (8 bytes), CRC-32 of what follows in the batch, bytes of records (u32), records (u32), number from 0 (u32)
 *
 * CRC-32 is zlib's (ISO 3309).
 */
import { crc32 } from "node:zlib";

export const fileHeaderBytes = 40;
export const markBytes = 8;
export const batchHeaderBytes = 24;

const magic = Buffer.from("QPQLOG01", "latin1");

export type SegmentMark = Uint8Array;
export type FileKind = "segment" | "checkpoint";
export type FileHeader = {
  /** Which log it belongs to; qpq.db has it too. */
  readonly logId: number;
  readonly number: number;
  readonly kind: FileKind;
  readonly mark: SegmentMark;
};

const kinds = ["segment", "checkpoint"] as const satisfies readonly FileKind[];

export function packFileHeader({ logId, number, kind, mark }: FileHeader): Buffer {
  const bytes = Buffer.alloc(fileHeaderBytes);
  magic.copy(bytes);
  bytes.writeDoubleLE(logId, 8);
  bytes.writeUInt32LE(number, 16);
  bytes.writeUInt32LE(kinds.indexOf(kind), 20);
  bytes.set(mark, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
  return bytes;
}

/** undefined: it is none. */
export function readFileHeader(bytes: Buffer): FileHeader | undefined {
  if (bytes.length < fileHeaderBytes || !bytes.subarray(0, 8).equals(magic)) return undefined;
  if (bytes.readUInt32LE(36) !== crc32(bytes.subarray(0, 36))) return undefined;
  const kind = kinds[bytes.readUInt32LE(20)];
  if (kind === undefined) return undefined;
  const mark = Uint8Array.from(bytes.subarray(24, 24 + markBytes));
  return { logId: bytes.readDoubleLE(8), number: bytes.readUInt32LE(16), kind, mark };
}

type BatchHeader = { readonly bytes: number; readonly records: number; readonly number: number };

/** Of the batch that begins at `at`; undefined: there is none. Says nothing of its records. */
function readBatchHeader(bytes: Buffer, at: number, mark: SegmentMark): BatchHeader | undefined {
  if (at + batchHeaderBytes > bytes.length || bytes.compare(mark, 0, markBytes, at, at + markBytes) !== 0) {
    return undefined;
  }
  return {
    bytes: bytes.readUInt32LE(at + markBytes + 4),
    records: bytes.readUInt32LE(at + markBytes + 8),
    number: bytes.readUInt32LE(at + markBytes + 12),
  };
}

/** The header of a whole batch at `at`: all its bytes are there, and are what was written. */
export function readWholeBatch(bytes: Buffer, at: number, mark: SegmentMark): BatchHeader | undefined {
  const header = readBatchHeader(bytes, at, mark);
  if (header === undefined) return undefined;
  const end = at + batchHeaderBytes + header.bytes;
  if (end > bytes.length) return undefined;
  const sum = crc32(bytes.subarray(at + markBytes + 4, end));
  return sum === bytes.readUInt32LE(at + markBytes) ? header : undefined;
}
