/**
 * Codecs of openSession and of the capabilities behind it: Session, Inbox, Sink. Capabilities are `unknown` here: they are
 * the RPC layer's, and undefined stands for a null one.
 */
import { asItIs, decodeList, decodeNothing, encodeList, encodeNothing, methodCodec } from "./codec.ts";
import { Inbox, NodeService, Session, Sink, type TraceBuilder, type TraceReader } from "./gen/node.ts";
import type { AuthOnlyParams } from "./messages-accounts.ts";
import {
  decodeAuth,
  decodeEnvelope,
  decodeGap,
  decodeOutgoing,
  encodeAuth,
  encodeEnvelopes,
  encodeGap,
  encodeOutgoing,
  type EnvelopeFields,
  envelopesLimit,
  type GapFields,
  type OutgoingFields,
  recipientsLimit,
} from "./messages-common.ts";
import type { SeqsResults } from "./messages-enqueue.ts";

/** W3C trace context; all zero = none. */
export type TraceFields = {
  readonly traceHi: bigint;
  readonly traceLo: bigint;
  readonly spanId: bigint;
  readonly flags: number;
};

function encodeTrace(trace: TraceFields, builder: TraceBuilder): void {
  builder.traceHi = trace.traceHi;
  builder.traceLo = trace.traceLo;
  builder.spanId = trace.spanId;
  builder.flags = trace.flags;
}

function decodeTrace(reader: TraceReader): TraceFields {
  return { traceHi: reader.traceHi, traceLo: reader.traceLo, spanId: reader.spanId, flags: reader.flags };
}

export type OpenSessionResults = { readonly session: unknown; readonly expiresAtMs: bigint };

export const openSession = methodCodec({
  method: NodeService.methods.openSession,
  encodeParams(params: AuthOnlyParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ auth: decodeAuth(reader.auth) }),
  encodeResults(results: OpenSessionResults, builder) {
    builder.session = results.session;
    builder.expiresAtMs = results.expiresAtMs;
  },
  decodeResults: (reader) => ({ session: reader.session, expiresAtMs: reader.expiresAtMs }),
});

export type OpenInboxParams = {
  readonly recipientKey: Uint8Array;
  readonly channelId: Uint8Array;
  readonly trace: TraceFields;
};
export type OpenInboxResults = { readonly inbox: unknown };

const openInbox = methodCodec({
  method: Session.methods.inbox,
  encodeParams(params: OpenInboxParams, builder) {
    builder.recipientKey = params.recipientKey;
    builder.channelId = params.channelId;
    encodeTrace(params.trace, builder.initTrace());
  },
  decodeParams: (reader) => ({
    recipientKey: reader.recipientKey,
    channelId: reader.channelId,
    trace: decodeTrace(reader.trace),
  }),
  encodeResults(results: OpenInboxResults, builder) {
    builder.inbox = results.inbox;
  },
  decodeResults: (reader) => ({ inbox: reader.inbox }),
});

export type SendParams = { readonly entries: readonly OutgoingFields[]; readonly trace: TraceFields };

const send = methodCodec({
  method: Session.methods.send,
  encodeParams(params: SendParams, builder) {
    encodeOutgoing(params.entries, builder.initEntries(params.entries.length));
    encodeTrace(params.trace, builder.initTrace());
  },
  decodeParams: (reader) => ({
    entries: decodeList(reader.entries, recipientsLimit, decodeOutgoing),
    trace: decodeTrace(reader.trace),
  }),
  encodeResults(results: SeqsResults, builder) {
    encodeList(builder.initSeqs(results.seqs.length), results.seqs);
  },
  decodeResults: (reader) => ({ seqs: decodeList(reader.seqs, recipientsLimit, asItIs) }),
});

export type SubscribeParams = {
  readonly sink: unknown;
  readonly after: bigint;
  /** 0 = unknown. */
  readonly storeEpoch: bigint;
  /** Envelopes, and bytes, in deliver calls that have not returned. */
  readonly window: number;
  readonly windowBytes: number;
  readonly trace: TraceFields;
};
export type SubscribeResults = { readonly subscription: unknown };

const subscribe = methodCodec({
  method: Inbox.methods.subscribe,
  encodeParams(params: SubscribeParams, builder) {
    builder.sink = params.sink;
    builder.after = params.after;
    builder.storeEpoch = params.storeEpoch;
    builder.window = params.window;
    builder.windowBytes = params.windowBytes;
    encodeTrace(params.trace, builder.initTrace());
  },
  decodeParams: (reader) => ({
    sink: reader.sink,
    after: reader.after,
    storeEpoch: reader.storeEpoch,
    window: reader.window,
    windowBytes: reader.windowBytes,
    trace: decodeTrace(reader.trace),
  }),
  encodeResults(results: SubscribeResults, builder) {
    builder.subscription = results.subscription;
  },
  decodeResults: (reader) => ({ subscription: reader.subscription }),
});

export type InboxAckParams = {
  readonly seqUpTo: bigint;
  readonly storeEpoch: bigint;
  readonly trace: TraceFields;
};

const ack = methodCodec({
  method: Inbox.methods.ack,
  encodeParams(params: InboxAckParams, builder) {
    builder.seqUpTo = params.seqUpTo;
    builder.storeEpoch = params.storeEpoch;
    encodeTrace(params.trace, builder.initTrace());
  },
  decodeParams: (reader) => ({
    seqUpTo: reader.seqUpTo,
    storeEpoch: reader.storeEpoch,
    trace: decodeTrace(reader.trace),
  }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});

export type DeliverParams = { readonly envelopes: readonly EnvelopeFields[]; readonly gap: GapFields };

const deliver = methodCodec({
  method: Sink.methods.deliver,
  encodeParams(params: DeliverParams, builder) {
    encodeEnvelopes(params.envelopes, builder.initEnvelopes(params.envelopes.length));
    encodeGap(params.gap, builder.initGap());
  },
  decodeParams: (reader) => ({
    envelopes: decodeList(reader.envelopes, envelopesLimit, decodeEnvelope),
    gap: decodeGap(reader.gap),
  }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});

/** reason: as an RPC exception's, `CODE key=value ... text`. */
export type EndParams = { readonly reason: string; readonly retryAfterMs: number };

const end = methodCodec({
  method: Sink.methods.end,
  encodeParams(params: EndParams, builder) {
    builder.reason = params.reason;
    builder.retryAfterMs = params.retryAfterMs;
  },
  decodeParams: (reader) => ({ reason: reader.reason, retryAfterMs: reader.retryAfterMs }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});

export const sessionCodecs = { inbox: openInbox, send } as const;
export const inboxCodecs = { subscribe, ack } as const;
export const sinkCodecs = { deliver, end } as const;
