/** The blobs of the reference store. Synchronous; memory.ts gives it the port's shape. */
import { type IdentityKey, latin1 } from "quicproquo-proto";
import type { BlobAppend, BlobAppended, BlobPart, BlobStore, Clock, UploadName } from "./port.ts";

type Upload = {
  readonly id: number;
  readonly owner: string;
  readonly blobId: string;
  readonly totalSize: number;
  readonly mimeType: string;
  received: Uint8Array;
  expiresAtMs: number;
  isComplete: boolean;
};

const none = { uploadId: 0, receivedBytes: 0 };

export class MemoryBlobs {
  readonly #clock: Clock;
  readonly #uploads = new Map<number, Upload>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  appendBlob(append: BlobAppend): BlobAppended {
    const { chunk, offset, totalSize } = append;
    const known = this.#living().find(
      (one) => one.owner === latin1(append.owner) && one.blobId === latin1(append.blobId),
    );
    if (known?.isComplete) return stateOf("complete", known);
    if (known !== undefined && known.totalSize !== totalSize) return { kind: "otherSize", ...none };
    if (offset !== (known?.received.length ?? 0))
      return known ? stateOf("otherOffset", known) : { kind: "otherOffset", ...none };
    if (known === undefined && this.blobBytesOf(append.owner) + totalSize > append.quotaBytesMax) {
      return { kind: "quota", ...none };
    }
    const upload = known ?? this.#begin(append);
    upload.received = Buffer.concat([upload.received, chunk]);
    return stateOf("stored", upload);
  }

  completeBlob({ upload: name, expiresAtMs }: Parameters<BlobStore["completeBlob"]>[0]): boolean {
    const upload = this.#named(name);
    if (upload === undefined || upload.received.length < upload.totalSize) return false;
    upload.expiresAtMs = upload.isComplete ? Math.max(upload.expiresAtMs, expiresAtMs) : expiresAtMs;
    upload.isComplete = true;
    return true;
  }

  removeUpload(name: UploadName): void {
    const upload = this.#named(name);
    if (upload?.isComplete === false) this.#uploads.delete(upload.id);
  }

  readUpload({ upload: name, offset, length }: Parameters<BlobStore["readUpload"]>[0]): Uint8Array | undefined {
    const upload = this.#named(name);
    return upload && Uint8Array.from(upload.received.subarray(offset, offset + length));
  }

  readBlob({ blobId, offset, length }: Parameters<BlobStore["readBlob"]>[0]): BlobPart | undefined {
    const blob = this.#living().find((upload) => upload.isComplete && upload.blobId === latin1(blobId));
    if (blob === undefined) return undefined;
    const { totalSize, mimeType } = blob;
    return { chunk: Uint8Array.from(blob.received.subarray(offset, offset + length)), totalSize, mimeType };
  }

  blobBytesOf(owner: IdentityKey): number {
    const key = latin1(owner);
    return this.#living().reduce((sum, upload) => sum + (upload.owner === key ? upload.totalSize : 0), 0);
  }

  removeOf(owner: IdentityKey): void {
    for (const upload of this.#uploads.values()) if (upload.owner === latin1(owner)) this.#uploads.delete(upload.id);
  }

  /** Forgets what has expired, at most `rowsMax`; answers how many. */
  sweep(rowsMax: number): number {
    const now = this.#clock();
    const expired = [...this.#uploads.values()].filter(({ expiresAtMs }) => expiresAtMs <= now).slice(0, rowsMax);
    for (const { id } of expired) this.#uploads.delete(id);
    return expired.length;
  }

  #begin({ owner, blobId, totalSize, mimeType, expiresAtMs }: BlobAppend): Upload {
    const upload = {
      id: ++this.#lastId,
      owner: latin1(owner),
      blobId: latin1(blobId),
      totalSize,
      mimeType,
      received: new Uint8Array(0),
      expiresAtMs,
      isComplete: false,
    };
    this.#uploads.set(upload.id, upload);
    return upload;
  }

  #living(): Upload[] {
    const now = this.#clock();
    return [...this.#uploads.values()].filter(({ expiresAtMs }) => expiresAtMs > now);
  }

  #named({ owner, blobId, uploadId }: UploadName): Upload | undefined {
    const upload = this.#living().find(({ id }) => id === uploadId);
    return upload?.owner === latin1(owner) && upload.blobId === latin1(blobId) ? upload : undefined;
  }
}

function stateOf(kind: BlobAppended["kind"], { id, received }: Upload): BlobAppended {
  return { kind, uploadId: id, receivedBytes: received.length };
}
