/** Codecs of the methods that move blobs in chunks. */
import { methodCodec } from "./codec.ts";
import { NodeService } from "./gen/node.ts";
import { type AuthFields, decodeAuth, encodeAuth } from "./messages-common.ts";

const { methods } = NodeService;

export type UploadBlobParams = {
  readonly auth: AuthFields;
  /** SHA-256 of the whole blob. */
  readonly blobHash: Uint8Array;
  readonly chunk: Uint8Array;
  readonly offset: bigint;
  readonly totalSize: bigint;
  readonly mimeType: string;
};
export type UploadBlobResults = { readonly blobId: Uint8Array };

export const uploadBlob = methodCodec({
  method: methods.uploadBlob,
  encodeParams(params: UploadBlobParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
    builder.blobHash = params.blobHash;
    builder.chunk = params.chunk;
    builder.offset = params.offset;
    builder.totalSize = params.totalSize;
    builder.mimeType = params.mimeType;
  },
  decodeParams: (reader) => ({
    auth: decodeAuth(reader.auth),
    blobHash: reader.blobHash,
    chunk: reader.chunk,
    offset: reader.offset,
    totalSize: reader.totalSize,
    mimeType: reader.mimeType,
  }),
  encodeResults(results: UploadBlobResults, builder) {
    builder.blobId = results.blobId;
  },
  decodeResults: (reader) => ({ blobId: reader.blobId }),
});

export type DownloadBlobParams = {
  readonly auth: AuthFields;
  readonly blobId: Uint8Array;
  readonly offset: bigint;
  readonly length: number;
};
export type DownloadBlobResults = {
  readonly chunk: Uint8Array;
  readonly totalSize: bigint;
  readonly mimeType: string;
};

export const downloadBlob = methodCodec({
  method: methods.downloadBlob,
  encodeParams(params: DownloadBlobParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
    builder.blobId = params.blobId;
    builder.offset = params.offset;
    builder.length = params.length;
  },
  decodeParams: (reader) => ({
    auth: decodeAuth(reader.auth),
    blobId: reader.blobId,
    offset: reader.offset,
    length: reader.length,
  }),
  encodeResults(results: DownloadBlobResults, builder) {
    builder.chunk = results.chunk;
    builder.totalSize = results.totalSize;
    builder.mimeType = results.mimeType;
  },
  decodeResults: (reader) => ({
    chunk: reader.chunk,
    totalSize: reader.totalSize,
    mimeType: reader.mimeType,
  }),
});
