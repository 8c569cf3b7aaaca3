/** Packs the calls of BlobStore. */
import type { BlobCalls, Codec } from "./codec.ts";
import { bytes, call, flag, identity, nothing, number, oneOf, optional, record, text, timeMs } from "./shapes.ts";

const upload = record({ owner: identity, blobId: bytes, uploadId: number });
/** A chunk as large as most callers ask for. */
const partBytes = 256 * 1024;

export const blobCodecs: { readonly [N in keyof BlobCalls]: Codec<N> } = {
  appendBlob: call(
    record({
      owner: identity,
      blobId: bytes,
      totalSize: number,
      mimeType: text,
      offset: number,
      chunk: bytes,
      expiresAtMs: timeMs,
      quotaBytesMax: number,
    }),
    record({
      kind: oneOf("stored", "otherOffset", "complete", "quota", "otherSize"),
      uploadId: number,
      receivedBytes: number,
    }),
  ),
  completeBlob: call(record({ upload, expiresAtMs: timeMs }), flag),
  removeUpload: call(upload, nothing),
  readUpload: call(record({ upload, offset: number, length: number }), optional(bytes), partBytes),
  readBlob: call(
    record({ blobId: bytes, offset: number, length: number }),
    optional(record({ chunk: bytes, totalSize: number, mimeType: text })),
    partBytes,
  ),
  blobBytesOf: call(identity, number),
};
