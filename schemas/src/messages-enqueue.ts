/** Codecs of the methods that put messages into inboxes. */
import { asItIs, decodeList, encodeList, methodCodec } from "./codec.ts";
import { NodeService } from "./gen/node.ts";
import {
  type AuthFields,
  decodeAuth,
  decodeOutgoing,
  encodeAuth,
  encodeOutgoing,
  type OutgoingFields,
  recipientsLimit,
} from "./messages-common.ts";

const { methods } = NodeService;

export type EnqueueParams = {
  readonly recipientKey: Uint8Array;
  readonly payload: Uint8Array;
  readonly channelId: Uint8Array;
  readonly version: number;
  readonly auth: AuthFields;
  /** 0 = the server's default. */
  readonly ttlSecs: number;
  readonly idempotencyKey: Uint8Array;
};
export type EnqueueResults = { readonly seq: bigint };

export const enqueue = methodCodec({
  method: methods.enqueue,
  encodeParams(params: EnqueueParams, builder) {
    builder.recipientKey = params.recipientKey;
    builder.payload = params.payload;
    builder.channelId = params.channelId;
    builder.version = params.version;
    encodeAuth(params.auth, builder.initAuth());
    builder.ttlSecs = params.ttlSecs;
    builder.idempotencyKey = params.idempotencyKey;
  },
  decodeParams: (reader) => ({
    recipientKey: reader.recipientKey,
    payload: reader.payload,
    channelId: reader.channelId,
    version: reader.version,
    auth: decodeAuth(reader.auth),
    ttlSecs: reader.ttlSecs,
    idempotencyKey: reader.idempotencyKey,
  }),
  encodeResults(results: EnqueueResults, builder) {
    builder.seq = results.seq;
  },
  decodeResults: (reader) => ({ seq: reader.seq }),
});

export type BatchEnqueueParams = {
  readonly recipientKeys: readonly Uint8Array[];
  readonly payload: Uint8Array;
  readonly channelId: Uint8Array;
  readonly version: number;
  readonly auth: AuthFields;
  /** 0 = the server's default. */
  readonly ttlSecs: number;
  readonly idempotencyKey: Uint8Array;
};
/** In the order of the recipients; 0 = that inbox is full. */
export type SeqsResults = { readonly seqs: readonly bigint[] };

export const batchEnqueue = methodCodec({
  method: methods.batchEnqueue,
  encodeParams(params: BatchEnqueueParams, builder) {
    encodeList(builder.initRecipientKeys(params.recipientKeys.length), params.recipientKeys);
    builder.payload = params.payload;
    builder.channelId = params.channelId;
    builder.version = params.version;
    encodeAuth(params.auth, builder.initAuth());
    builder.ttlSecs = params.ttlSecs;
    builder.idempotencyKey = params.idempotencyKey;
  },
  decodeParams: (reader) => ({
    recipientKeys: decodeList(reader.recipientKeys, recipientsLimit, asItIs),
    payload: reader.payload,
    channelId: reader.channelId,
    version: reader.version,
    auth: decodeAuth(reader.auth),
    ttlSecs: reader.ttlSecs,
    idempotencyKey: reader.idempotencyKey,
  }),
  encodeResults(results: SeqsResults, builder) {
    encodeList(builder.initSeqs(results.seqs.length), results.seqs);
  },
  decodeResults: (reader) => ({ seqs: decodeList(reader.seqs, recipientsLimit, asItIs) }),
});

export type SubmitCommitParams = {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly entries: readonly OutgoingFields[];
  /** Stands for every entry whose own payload is empty. */
  readonly payload: Uint8Array;
  readonly idempotencyKey: Uint8Array;
  readonly auth: AuthFields;
  readonly epochProof: Uint8Array;
  readonly nextProofHash: Uint8Array;
};

export const submitCommit = methodCodec({
  method: methods.submitCommit,
  encodeParams(params: SubmitCommitParams, builder) {
    builder.groupId = params.groupId;
    builder.epoch = params.epoch;
    encodeOutgoing(params.entries, builder.initEntries(params.entries.length));
    builder.payload = params.payload;
    builder.idempotencyKey = params.idempotencyKey;
    encodeAuth(params.auth, builder.initAuth());
    builder.epochProof = params.epochProof;
    builder.nextProofHash = params.nextProofHash;
  },
  decodeParams: (reader) => ({
    groupId: reader.groupId,
    epoch: reader.epoch,
    entries: decodeList(reader.entries, recipientsLimit, decodeOutgoing),
    payload: reader.payload,
    idempotencyKey: reader.idempotencyKey,
    auth: decodeAuth(reader.auth),
    epochProof: reader.epochProof,
    nextProofHash: reader.nextProofHash,
  }),
  encodeResults(results: SeqsResults, builder) {
    encodeList(builder.initSeqs(results.seqs.length), results.seqs);
  },
  decodeResults: (reader) => ({ seqs: decodeList(reader.seqs, recipientsLimit, asItIs) }),
});
