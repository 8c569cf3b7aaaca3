/** Codecs of the methods that read inboxes, remove from them, or only ask whether the server is there. */
import { decodeList, decodeNothing, encodeNothing, methodCodec } from "./codec.ts";
import { NodeService, type NodeServiceFetchResultsBuilder, type NodeServiceFetchResultsReader } from "./gen/node.ts";
import {
  type AuthFields,
  decodeAuth,
  decodeEnvelope,
  decodeGap,
  encodeAuth,
  encodeEnvelopes,
  encodeGap,
  type EnvelopeFields,
  envelopesLimit,
  type GapFields,
} from "./messages-common.ts";

const { methods } = NodeService;

export type HealthResults = { readonly status: string };

export const health = methodCodec({
  method: methods.health,
  encodeParams: encodeNothing,
  decodeParams: decodeNothing,
  encodeResults(results: HealthResults, builder) {
    builder.status = results.status;
  },
  decodeResults: (reader) => ({ status: reader.status }),
});

export type PeekParams = {
  readonly recipientKey: Uint8Array;
  readonly channelId: Uint8Array;
  readonly version: number;
  readonly auth: AuthFields;
  /** 0 = the server's default. */
  readonly limit: number;
  readonly after: bigint;
  /** 0 = unknown. */
  readonly storeEpoch: bigint;
};
export type FetchParams = PeekParams & { readonly keep: boolean };
export type FetchWaitParams = FetchParams & { readonly timeoutMs: bigint };
export type FetchResults = { readonly payloads: readonly EnvelopeFields[]; readonly gap: GapFields };

/** fetch, fetchWait and peek answer structs with the same fields at the same offsets, so one pair of functions does. */
function encodeFetchResults(results: FetchResults, builder: NodeServiceFetchResultsBuilder): void {
  encodeEnvelopes(results.payloads, builder.initPayloads(results.payloads.length));
  encodeGap(results.gap, builder.initGap());
}

function decodeFetchResults(reader: NodeServiceFetchResultsReader): FetchResults {
  return { payloads: decodeList(reader.payloads, envelopesLimit, decodeEnvelope), gap: decodeGap(reader.gap) };
}

export const fetch = methodCodec({
  method: methods.fetch,
  encodeParams(params: FetchParams, builder) {
    builder.recipientKey = params.recipientKey;
    builder.channelId = params.channelId;
    builder.version = params.version;
    encodeAuth(params.auth, builder.initAuth());
    builder.limit = params.limit;
    builder.keep = params.keep;
    builder.after = params.after;
    builder.storeEpoch = params.storeEpoch;
  },
  decodeParams: (reader) => ({
    recipientKey: reader.recipientKey,
    channelId: reader.channelId,
    version: reader.version,
    auth: decodeAuth(reader.auth),
    limit: reader.limit,
    keep: reader.keep,
    after: reader.after,
    storeEpoch: reader.storeEpoch,
  }),
  encodeResults: encodeFetchResults,
  decodeResults: decodeFetchResults,
});

export const fetchWait = methodCodec({
  method: methods.fetchWait,
  encodeParams(params: FetchWaitParams, builder) {
    builder.recipientKey = params.recipientKey;
    builder.channelId = params.channelId;
    builder.version = params.version;
    builder.timeoutMs = params.timeoutMs;
    encodeAuth(params.auth, builder.initAuth());
    builder.limit = params.limit;
    builder.keep = params.keep;
    builder.after = params.after;
    builder.storeEpoch = params.storeEpoch;
  },
  decodeParams: (reader) => ({
    recipientKey: reader.recipientKey,
    channelId: reader.channelId,
    version: reader.version,
    timeoutMs: reader.timeoutMs,
    auth: decodeAuth(reader.auth),
    limit: reader.limit,
    keep: reader.keep,
    after: reader.after,
    storeEpoch: reader.storeEpoch,
  }),
  encodeResults: encodeFetchResults,
  decodeResults: decodeFetchResults,
});

export const peek = methodCodec({
  method: methods.peek,
  encodeParams(params: PeekParams, builder) {
    builder.recipientKey = params.recipientKey;
    builder.channelId = params.channelId;
    builder.version = params.version;
    encodeAuth(params.auth, builder.initAuth());
    builder.limit = params.limit;
    builder.after = params.after;
    builder.storeEpoch = params.storeEpoch;
  },
  decodeParams: (reader) => ({
    recipientKey: reader.recipientKey,
    channelId: reader.channelId,
    version: reader.version,
    auth: decodeAuth(reader.auth),
    limit: reader.limit,
    after: reader.after,
    storeEpoch: reader.storeEpoch,
  }),
  encodeResults: encodeFetchResults,
  decodeResults: decodeFetchResults,
});

export type AckParams = {
  readonly recipientKey: Uint8Array;
  readonly channelId: Uint8Array;
  readonly version: number;
  readonly auth: AuthFields;
  readonly seqUpTo: bigint;
  readonly storeEpoch: bigint;
};

export const ack = methodCodec({
  method: methods.ack,
  encodeParams(params: AckParams, builder) {
    builder.recipientKey = params.recipientKey;
    builder.channelId = params.channelId;
    builder.version = params.version;
    encodeAuth(params.auth, builder.initAuth());
    builder.seqUpTo = params.seqUpTo;
    builder.storeEpoch = params.storeEpoch;
  },
  decodeParams: (reader) => ({
    recipientKey: reader.recipientKey,
    channelId: reader.channelId,
    version: reader.version,
    auth: decodeAuth(reader.auth),
    seqUpTo: reader.seqUpTo,
    storeEpoch: reader.storeEpoch,
  }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});
