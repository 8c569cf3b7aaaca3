/** Uploads and blobs: one statement a call. Migration 5 has the functions. */
import { type BlobCalls, wholeMs } from "../packing/codec.ts";
import type { BlobAppended, BlobPart, UploadName } from "../port.ts";
import { bytesOf } from "./parameters.ts";
import { bytea, type Handlers, run, statementOf, wordOf } from "./statement-calls.ts";
import { queryRepeatedly } from "./tries.ts";

/** $1 upload, $2 offset, $3 length: the pieces that they touch, by the primary key, and what is asked for of them. */
const part = `
  substr(coalesce((
    SELECT string_agg(body, '' ORDER BY number) FROM blob_piece
    WHERE upload_id = b.id AND number BETWEEN $2::bigint / 262144 AND ($2::bigint + $3::bigint - 1) / 262144
  ), ''), ($2::bigint % 262144)::int + 1, $3::int)`;

const statements = {
  append: statementOf(
    "append_blob",
    "SELECT outcome, upload, received_bytes FROM append_blob($1, $2, $3, $4, $5, $6, $7, $8, $9)",
  ),
  complete: statementOf(
    "complete_blob",
    `UPDATE blob SET is_complete = true, expires_at = CASE WHEN is_complete THEN greatest(expires_at, $4) ELSE $4 END
     WHERE id = $1 AND owner = $2 AND blob_id = $3 AND received = total_size AND expires_at > $5 RETURNING 1`,
  ),
  remove: statementOf(
    "remove_upload",
    `UPDATE blob SET blob_id = NULL, expires_at = 0
     WHERE id = $1 AND owner = $2 AND blob_id = $3 AND (NOT is_complete OR expires_at <= $4)`,
  ),
  readUpload: statementOf(
    "read_upload",
    `SELECT ${part} FROM blob b WHERE id = $1 AND owner = $4 AND blob_id = $5 AND expires_at > $6`,
  ),
  // by blob_by_id; of several the oldest
  readBlob: statementOf(
    "read_blob",
    `SELECT ${part}, total_size, mime_type FROM blob b
     WHERE blob_id = $1 AND is_complete AND expires_at > $4 ORDER BY id LIMIT 1`,
  ),
  // by blob_of_owner
  bytesOf: statementOf(
    "blob_bytes_of",
    "SELECT coalesce(sum(total_size), 0) FROM blob WHERE owner = $1 AND expires_at > $2",
  ),
};

export const blobHandlers: Handlers<BlobCalls> = {
  async appendBlob(link, append, nowMs): Promise<BlobAppended> {
    let isUncertain = false;
    const [[outcome, upload, received] = []] = await queryRepeatedly(link, {
      statement: statements.append,
      values: [
        bytea(append.owner),
        bytea(append.blobId),
        append.totalSize,
        append.mimeType,
        append.offset,
        bytea(append.chunk),
        wholeMs(append.expiresAtMs),
        append.quotaBytesMax,
        nowMs,
      ],
      onRepeat: () => {
        isUncertain = true;
      },
    });
    const kind = outcome as BlobAppended["kind"];
    if (kind === "quota" || kind === "otherSize") return { kind, uploadId: 0, receivedBytes: 0 };
    const receivedBytes = Number(received);
    // it was this call that stored it
    const isOwn = isUncertain && kind === "otherOffset" && receivedBytes === append.offset + append.chunk.length;
    return { kind: isOwn ? "stored" : kind, uploadId: Number(upload), receivedBytes };
  },
  async completeBlob(link, { upload, expiresAtMs }, nowMs) {
    return (await run(link, statements.complete, [...nameOf(upload), wholeMs(expiresAtMs), nowMs])).length === 1;
  },
  async removeUpload(link, upload, nowMs) {
    await run(link, statements.remove, [...nameOf(upload), nowMs]);
  },
  async readUpload(link, { upload, offset, length }, nowMs) {
    const [id, ...name] = nameOf(upload);
    const [[chunk] = []] = await run(link, statements.readUpload, [id, offset, length, ...name, nowMs]);
    return chunk === undefined ? undefined : bytesOf(chunk as string);
  },
  async readBlob(link, { blobId, offset, length }, nowMs): Promise<BlobPart | undefined> {
    const [row] = await run(link, statements.readBlob, [bytea(blobId), offset, length, nowMs]);
    if (row === undefined) return undefined;
    const [chunk, totalSize, mimeType] = row as readonly [string, string, string];
    return { chunk: bytesOf(chunk), totalSize: Number(totalSize), mimeType };
  },
  blobBytesOf: async (link, owner, nowMs) => Number(await wordOf(link, statements.bytesOf, [bytea(owner), nowMs])),
};

function nameOf({ uploadId, owner, blobId }: UploadName): [number, Buffer, Buffer] {
  return [uploadId, bytea(owner), bytea(blobId)];
}
