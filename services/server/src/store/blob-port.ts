/**
 * The port for blobs: content that is uploaded in chunks and can be continued after a break, and then read by whoever
 * knows its id. Unfinished it is its uploader's alone, under (owner, blobId); so nobody stands in another's way.
 *
 * The store does not look at the content: that it has the hash that it is named by is verified above, before
 * completeBlob. Content that two owners upload is stored twice, and counts for both. All changes are durable when they
 * resolve, one transaction each, and may be repeated after an unknown outcome.
 */
import type { IdentityKey } from "quicproquo-proto";

export type BlobAppend = {
  readonly owner: IdentityKey;
  /** SHA-256 of the content, 32 bytes. */
  readonly blobId: Uint8Array;
  readonly totalSize: number;
  /** Of the first chunk; later ones may say what they like. */
  readonly mimeType: string;
  readonly offset: number;
  /** offset + chunk.length <= totalSize. At most 256 KiB is good: what a chunk shares with a stored piece is rewritten. */
  readonly chunk: Uint8Array;
  /** When an upload that is begun now ends, if it is not completed. */
  readonly expiresAtMs: number;
  /** Of all living blobs and uploads of the owner together, by their total sizes; looked at when an upload begins. */
  readonly quotaBytesMax: number;
};

/**
 * `stored`: receivedBytes has grown by the chunk. `otherOffset`: nothing was stored; it goes on at receivedBytes (with no
 * upload uploadId and receivedBytes are 0). `complete`: the owner has completed this blob. `quota`: an upload was not
 * begun. `otherSize`: an upload of another total size is under way. In the last two uploadId and receivedBytes are 0.
 */
export type BlobAppended = {
  readonly kind: "stored" | "otherOffset" | "complete" | "quota" | "otherSize";
  readonly uploadId: number;
  readonly receivedBytes: number;
};

/** `uploadId`: what was appended to, so that what was verified is what is completed. */
export type UploadName = { readonly owner: IdentityKey; readonly blobId: Uint8Array; readonly uploadId: number };

export type BlobPart = { readonly chunk: Uint8Array; readonly totalSize: number; readonly mimeType: string };

export interface BlobStore {
  /** Of several calls with one offset one is stored. An upload that has expired is begun anew. */
  appendBlob(append: BlobAppend): Promise<BlobAppended>;
  /** false: there is no such upload, or it has not all its bytes. Its end is expiresAtMs from now on; again, a later one. */
  completeBlob(request: { readonly upload: UploadName; readonly expiresAtMs: number }): Promise<boolean>;
  /** What was uploaded does not have the announced hash. Changes nothing once the upload is completed. */
  removeUpload(upload: UploadName): Promise<void>;
  /** For its verification: at most `length` bytes from `offset` of what was received; undefined: no such upload. */
  readUpload(query: {
    readonly upload: UploadName;
    readonly offset: number;
    readonly length: number;
  }): Promise<Uint8Array | undefined>;
  /** Of a completed blob: at most `length` bytes from `offset`, none behind the end. undefined: there is none, or it has expired. */
  readBlob(query: {
    readonly blobId: Uint8Array;
    readonly offset: number;
    readonly length: number;
  }): Promise<BlobPart | undefined>;
  /** Total sizes of the owner's living blobs and uploads together. */
  blobBytesOf(owner: IdentityKey): Promise<number>;
}
