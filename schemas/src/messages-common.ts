/** Structs that several methods share, as plain values. */
import type { StructListBuilder } from "quicproquo-rpc/message";
import type {
  AuthBuilder,
  AuthReader,
  EnvelopeBuilder,
  EnvelopeReader,
  GapBuilder,
  GapKind,
  GapReader,
  OutgoingBuilder,
  OutgoingReader,
} from "./gen/node.ts";
import { limits } from "./limits.ts";

export type AuthFields = {
  readonly version: number;
  /** A secret. */
  readonly accessToken: Uint8Array;
  readonly deviceId: Uint8Array;
};

export function encodeAuth(auth: AuthFields, builder: AuthBuilder): void {
  builder.version = auth.version;
  builder.accessToken = auth.accessToken;
  builder.deviceId = auth.deviceId;
}

/** A peer that sends no Auth at all has version 0 and an empty token. */
export function decodeAuth(reader: AuthReader): AuthFields {
  return { version: reader.version, accessToken: reader.accessToken, deviceId: reader.deviceId };
}

/** One message as it stands in an inbox. */
export type EnvelopeFields = {
  readonly seq: bigint;
  /** Empty when expired. */
  readonly data: Uint8Array;
  readonly storeEpoch: bigint;
  readonly enqueuedAtMs: bigint;
  readonly expired: boolean;
};

/** Messages in one answer or one push that a reader takes. */
export const envelopesLimit = { max: limits.fetchMessagesMax.max } as const;

export function encodeEnvelopes(envelopes: readonly EnvelopeFields[], list: StructListBuilder<EnvelopeBuilder>): void {
  for (let index = 0; index < envelopes.length; index++) {
    const { seq, data, storeEpoch, enqueuedAtMs, expired } = envelopes[index] as EnvelopeFields;
    const builder = list.get(index);
    builder.seq = seq;
    builder.data = data;
    builder.storeEpoch = storeEpoch;
    builder.enqueuedAtMs = enqueuedAtMs;
    builder.expired = expired;
  }
}

export function decodeEnvelope(reader: EnvelopeReader): EnvelopeFields {
  return {
    seq: reader.seq,
    data: reader.data,
    storeEpoch: reader.storeEpoch,
    enqueuedAtMs: reader.enqueuedAtMs,
    expired: reader.expired,
  };
}

export type GapFields = { readonly kind: GapKind; readonly upTo: bigint; readonly storeEpoch: bigint };

export function encodeGap(gap: GapFields, builder: GapBuilder): void {
  builder.kind = gap.kind;
  builder.upTo = gap.upTo;
  builder.storeEpoch = gap.storeEpoch;
}

/** A kind that only a newer peer knows still says that something is missing, so it reads as overflow. */
export function decodeGap(reader: GapReader): GapFields {
  return { kind: reader.kind ?? "overflow", upTo: reader.upTo, storeEpoch: reader.storeEpoch };
}

/** One message of a call with many recipients. */
export type OutgoingFields = {
  readonly recipientKey: Uint8Array;
  readonly channelId: Uint8Array;
  /** Empty = the shared payload of the call, where it has one. */
  readonly payload: Uint8Array;
  readonly idempotencyKey: Uint8Array;
  readonly ttlSecs: number;
};

/** Recipients of one call, whatever a server's configuration says. */
export const recipientsLimit = { max: limits.batchRecipientsMax.max, code: "E016_TOO_MANY_RECIPIENTS" } as const;

export function encodeOutgoing(entries: readonly OutgoingFields[], list: StructListBuilder<OutgoingBuilder>): void {
  for (let index = 0; index < entries.length; index++) {
    const { recipientKey, channelId, payload, idempotencyKey, ttlSecs } = entries[index] as OutgoingFields;
    const builder = list.get(index);
    builder.recipientKey = recipientKey;
    builder.channelId = channelId;
    builder.payload = payload;
    builder.idempotencyKey = idempotencyKey;
    builder.ttlSecs = ttlSecs;
  }
}

export function decodeOutgoing(reader: OutgoingReader): OutgoingFields {
  return {
    recipientKey: reader.recipientKey,
    channelId: reader.channelId,
    payload: reader.payload,
    idempotencyKey: reader.idempotencyKey,
    ttlSecs: reader.ttlSecs,
  };
}
