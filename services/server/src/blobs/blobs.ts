/**
 * Blobs (docs/wire.md, Blobs): content of some MiB, named by its SHA-256, uploaded in chunks that may be continued after a
 * break, at whatever front-end. What is uploaded is read back and hashed before it counts, a piece at a time; nobody
 * downloads it before. The server reads nothing in it: clients encrypt.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type IdentityKey, latin1, type LimitName, QpqError, sizes } from "quicproquo-proto";
import { type Rate, ratePer, requireRate } from "../access/rates.ts";
import type { BlobPart, BlobStore, Clock, RateCounter, UploadName } from "../store/port.ts";

/** Of one read back: as large as the store's pieces. */
const readBytes = 256 * 1024;
/** At this front-end, a piece of memory each; beyond it E021_OVERLOADED. */
const verificationsMaxDefault = 32;
/** Until something of it has ended, perhaps. */
const quotaRetryMs = 3_600_000;
/** RFC 6838 section 4.2: 127 characters on each side of the slash. */
const mimeTypePattern = /^[\x20-\x7e]{0,255}$/;

export type BlobsParts = {
  readonly store: BlobStore;
  readonly rates: RateCounter;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly clock: Clock;
  readonly verificationsMax?: number;
};

export type Upload = {
  readonly blobHash: Uint8Array;
  readonly chunk: Uint8Array;
  readonly offset: bigint;
  readonly totalSize: bigint;
  readonly mimeType: string;
};

export type Download = { readonly blobId: Uint8Array; readonly offset: bigint; readonly length: number };

export class Blobs {
  readonly #parts: BlobsParts;
  readonly #bytes: Rate;
  /** Under way, by upload. */
  readonly #verifications = new Map<number, Promise<void>>();

  constructor(parts: BlobsParts) {
    this.#parts = parts;
    this.#bytes = ratePer(60, "blobBytesPerMinute", parts.limits);
  }

  /**
   * One chunk; durable. That with the last byte answers when the whole has been verified and can be downloaded. A chunk
   * that lies within what was received changes nothing; an empty one at totalSize asks how far it is. E001, E018, E021,
   * E024_BLOB_TOO_LARGE, E025_BLOB_HASH (all of it is gone), E027_BLOB_QUOTA, E073_BLOB_OFFSET (with the right one).
   */
  async upload(owner: IdentityKey, upload: Upload): Promise<void> {
    const { store, limits, clock } = this.#parts;
    this.#check(upload);
    requireRate(this.#parts.rates, this.#bytes, latin1(owner), Math.max(1, upload.chunk.length));
    const { chunk, mimeType } = upload;
    const blobId = Uint8Array.from(upload.blobHash);
    const [offset, totalSize] = [Number(upload.offset), Number(upload.totalSize)];
    const { kind, uploadId, receivedBytes } = await store.appendBlob({
      owner,
      blobId,
      totalSize,
      mimeType,
      offset,
      chunk,
      expiresAtMs: clock() + limits.uploadLifeSecs * 1_000,
      quotaBytesMax: limits.blobQuotaBytesMax,
    });
    if (kind === "complete") return;
    if (kind === "quota") {
      throw new QpqError("E027_BLOB_QUOTA", { retryAfterMs: quotaRetryMs, fields: { max: limits.blobQuotaBytesMax } });
    }
    if (kind === "otherSize") throw badRequest("an upload of this hash with another total size is under way");
    const isRepeated = kind === "otherOffset" && uploadId !== 0 && offset + chunk.length <= receivedBytes;
    if (kind === "otherOffset" && !isRepeated) throw wrongOffset(receivedBytes);
    if (offset + chunk.length === totalSize) await this.#complete({ owner, blobId, uploadId }, totalSize);
  }

  /** Of what has been uploaded whole: at most `length` bytes (0 = as many as may be), none behind the end. E001, E018, E026. */
  async download(by: IdentityKey | undefined, { blobId, offset, length: asked }: Download): Promise<BlobPart> {
    const max = this.#parts.limits.blobChunkBytesMax;
    const length = asked === 0 ? max : Math.min(asked, max);
    if (blobId.length !== sizes.blobHash) throw badRequest("a blob id has 32 bytes");
    if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw badRequest("the offset is too large");
    if (by !== undefined) requireRate(this.#parts.rates, this.#bytes, latin1(by), length);
    const query = { blobId: Uint8Array.from(blobId), offset: Number(offset), length };
    const part = await this.#parts.store.readBlob(query);
    if (part === undefined) throw new QpqError("E026_BLOB_NOT_FOUND");
    return part;
  }

  #check({ blobHash, chunk, offset, totalSize, mimeType }: Upload): void {
    const { blobBytesMax, blobChunkBytesMax } = this.#parts.limits;
    if (blobHash.length !== sizes.blobHash) throw badRequest("a blob's hash has 32 bytes");
    if (totalSize > BigInt(blobBytesMax)) throw new QpqError("E024_BLOB_TOO_LARGE", { fields: { max: blobBytesMax } });
    if (chunk.length > blobChunkBytesMax) {
      const text = "the chunk is larger than the server allows";
      throw new QpqError("E024_BLOB_TOO_LARGE", { fields: { max: blobChunkBytesMax }, text });
    }
    if (totalSize === 0n) throw badRequest("a blob has at least one byte");
    if (offset + BigInt(chunk.length) > totalSize) throw badRequest("the chunk ends behind the blob's end");
    if (chunk.length === 0 && offset !== totalSize) throw badRequest("the chunk is empty");
    if (!mimeTypePattern.test(mimeType)) throw badRequest("a MIME type has at most 255 characters of ASCII");
  }

  async #complete(upload: UploadName, totalSize: number): Promise<void> {
    const known = this.#verifications.get(upload.uploadId);
    if (known !== undefined) return await known;
    if (this.#verifications.size >= (this.#parts.verificationsMax ?? verificationsMaxDefault)) {
      throw new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000, text: "too many blobs are being verified" });
    }
    const verification = this.#verify(upload, totalSize).finally(() => this.#verifications.delete(upload.uploadId));
    this.#verifications.set(upload.uploadId, verification);
    await verification;
  }

  async #verify(upload: UploadName, totalSize: number): Promise<void> {
    const { store, limits, clock } = this.#parts;
    const sha256 = createHash("sha256");
    for (let offset = 0; offset < totalSize; offset += readBytes) {
      const piece = await store.readUpload({ upload, offset, length: readBytes });
      if (piece === undefined) throw wrongOffset(0);
      sha256.update(piece);
    }
    if (!timingSafeEqual(sha256.digest(), upload.blobId)) {
      await store.removeUpload(upload);
      throw new QpqError("E025_BLOB_HASH");
    }
    const isThere = await store.completeBlob({ upload, expiresAtMs: clock() + limits.blobLifeSecs * 1_000 });
    // its life has ended meanwhile
    if (!isThere) throw wrongOffset(0);
  }
}

function wrongOffset(offset: number): QpqError {
  return new QpqError("E073_BLOB_OFFSET", { fields: { offset } });
}

function badRequest(text: string): QpqError {
  return new QpqError("E001_BAD_REQUEST", { text });
}
