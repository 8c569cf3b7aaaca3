/**
 * Files between members of a conversation: encrypted here, uploaded in chunks as a blob that only the message's readers
 * can open. A connection that is lost is made anew by the client below; after a restart the same call goes on where the
 * server, or the caller, stands. A file is in memory as a whole: the server takes 50 MiB.
 */
import { type FileKey, fileOverheadBytes, type FileRef, openFile, sealFile } from "quicproquo-core";
import { limits, QpqError } from "quicproquo-proto";
import { type AccessTokenSource, authOf } from "./access-token.ts";
import type { ReconnectingClient } from "./reconnecting-client.ts";

export type FilesParts = { readonly client: ReconnectingClient; readonly accessToken: AccessTokenSource };

export type OutgoingFile = {
  readonly content: Uint8Array;
  readonly name: string;
  readonly mime: string;
  /** generateFileKey. To go on with an upload after a restart: the same one. */
  readonly key: FileKey;
};

const blobMime = "application/octet-stream";
const chunkBytes = limits.blobChunkBytesMax.default;
const blobBytesMax = limits.blobBytesMax.max;

export class Files {
  readonly #parts: FilesParts;

  constructor(parts: FilesParts) {
    this.#parts = parts;
  }

  /**
   * The message that gives it to others, once it stands at the server whole. Needs an account: E006_FORBIDDEN.
   * E024_BLOB_TOO_LARGE, E027_BLOB_QUOTA.
   */
  async upload({ content, name, mime, key }: OutgoingFile): Promise<FileRef & { readonly type: "fileRef" }> {
    const { blob, blobId } = sealFile(content, key);
    for (let offset: number | undefined = blob.length; offset !== undefined; ) {
      offset = await this.#put({ blob, blobId, offset });
    }
    return { type: "fileRef", blobId, name, sizeBytes: BigInt(content.length), mime, ...key };
  }

  /**
   * The blob behind what is there of it already. Not checked before it is opened: see `open`. E026_BLOB_NOT_FOUND,
   * E025_BLOB_HASH when it has another size than its message says.
   */
  async *chunks({ blobId, sizeBytes }: FileRef, from = 0): AsyncGenerator<Uint8Array, void, void> {
    const total = Number(sizeBytes) + fileOverheadBytes;
    if (total > blobBytesMax) throw new QpqError("E024_BLOB_TOO_LARGE", { fields: { max: blobBytesMax } });
    for (let offset = from; offset < total; ) {
      const query = { blobId, offset: BigInt(offset), length: chunkBytes };
      const auth = await authOf(this.#parts.accessToken);
      const { chunk, totalSize } = await this.#parts.client.call("downloadBlob", { ...query, auth });
      const isGood = Number(totalSize) === total && chunk.length > 0 && chunk.length <= chunkBytes;
      if (!isGood) throw new QpqError("E025_BLOB_HASH", { text: "the blob is not of the size that its message says" });
      offset += chunk.length;
      yield Uint8Array.from(chunk); // a copy: the answer is a view into its frame
    }
  }

  /** `begun`: what is there of the blob already. As `chunks` and `open`. */
  async download(file: FileRef, begun: Uint8Array = new Uint8Array()): Promise<Uint8Array> {
    const chunks = [begun];
    for await (const chunk of this.chunks(file, begun.length)) chunks.push(chunk);
    return this.open(file, concatenated(chunks));
  }

  /** The file in a whole blob. E025_BLOB_HASH, E043_ENVELOPE_REFUSED. */
  open(file: FileRef, blob: Uint8Array): Uint8Array {
    return openFile(blob, file.blobId, file);
  }

  /** The next offset; undefined: all of it stands there. An offset at the end asks how far the server has come. */
  async #put(upload: { blob: Uint8Array; blobId: Uint8Array; offset: number }): Promise<number | undefined> {
    const { blob, blobId: blobHash, offset } = upload;
    const chunk = blob.subarray(offset, offset + chunkBytes);
    const params = { blobHash, chunk, offset: BigInt(offset), totalSize: BigInt(blob.length), mimeType: blobMime };
    try {
      await this.#parts.client.call("uploadBlob", { ...params, auth: await authOf(this.#parts.accessToken) });
    } catch (error) {
      return offsetIn(error, blob.length);
    }
    const next = offset + chunk.length;
    return next < blob.length ? next : undefined;
  }
}

/** Where the server says that it goes on. */
function offsetIn(error: unknown, end: number): number {
  if (!(error instanceof QpqError) || error.code !== "E073_BLOB_OFFSET") throw error;
  const offset = Number(error.fields["offset"]);
  if (Number.isInteger(offset) && offset >= 0 && offset < end) return offset;
  throw error;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
