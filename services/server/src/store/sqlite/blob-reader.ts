/** Reads uploads and blobs from qpq.db: the pieces that a part touches, and no others. */
import type { DatabaseSync } from "node:sqlite";
import { pieceBytes } from "./blob-table.ts";
import type { ReadCall } from "./protocol.ts";
import type { Handlers } from "./serve.ts";

type BlobRow = { id: number; total_size: number; mime_type: string };
type Part = { readonly offset: number; readonly length: number };

export function blobReads(db: DatabaseSync): Pick<Handlers<ReadCall>, "readUpload" | "readBlob" | "blobBytesOf"> {
  const upload = db.prepare("SELECT id FROM blob WHERE id = ? AND owner = ? AND blob_id = ? AND expires_at > ?");
  // by blob_by_id; of several the oldest
  const blob = db.prepare(`
    SELECT id, total_size, mime_type FROM blob
    WHERE blob_id = ? AND is_complete = 1 AND expires_at > ? ORDER BY id LIMIT 1`);
  const pieces = db.prepare(`
    SELECT body FROM blob_piece WHERE upload_id = ? AND number BETWEEN ? AND ? ORDER BY number`);
  // by blob_of_owner
  const bytes = db.prepare("SELECT coalesce(sum(total_size), 0) AS bytes FROM blob WHERE owner = ? AND expires_at > ?");

  function read(uploadId: number, { offset, length }: Part): Uint8Array {
    if (length === 0) return new Uint8Array(0);
    const first = Math.floor(offset / pieceBytes);
    const last = Math.floor((offset + length - 1) / pieceBytes);
    const bodies = (pieces.all(uploadId, first, last) as { body: Uint8Array }[]).map(({ body }) => body);
    const start = offset - first * pieceBytes;
    return Buffer.concat(bodies).subarray(start, start + length);
  }

  return {
    readUpload({ upload: { uploadId, owner, blobId }, ...part }, nowMs) {
      return upload.get(uploadId, owner, blobId, nowMs) && read(uploadId, part);
    },
    readBlob({ blobId, ...part }, nowMs) {
      const row = blob.get(blobId, nowMs) as BlobRow | undefined;
      return row && { chunk: read(row.id, part), totalSize: row.total_size, mimeType: row.mime_type };
    },
    blobBytesOf: (owner, nowMs) => (bytes.get(owner, nowMs) as { bytes: number }).bytes,
  };
}
