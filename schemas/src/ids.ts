/** Branded ids: bytes are parsed once at the border and trusted afterwards. */
import { QpqError } from "./errors.ts";
import { sizes } from "./limits.ts";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A raw Ed25519 public key, 32 bytes: account, MLS credential and inbox address in one. */
export type IdentityKey = Brand<Uint8Array, "IdentityKey">;
/** Empty (default inbox), or 16 bytes. */
export type ChannelId = Brand<Uint8Array, "ChannelId">;
/** 16 bytes chosen by the sender. */
export type IdempotencyKey = Brand<Uint8Array, "IdempotencyKey">;
/** recipientKey || channelId, one character a byte (latin1): 32 or 48 characters. A key of maps and of store rows. */
export type InboxKey = Brand<string, "InboxKey">;

export function parseIdentityKey(bytes: Uint8Array): IdentityKey {
  if (bytes.length !== sizes.identityKey) throw new QpqError("E007_KEY_LENGTH", { fields: { bytes: bytes.length } });
  return bytes as IdentityKey;
}

export function parseChannelId(bytes: Uint8Array): ChannelId {
  if (bytes.length !== 0 && bytes.length !== sizes.channelId) {
    throw new QpqError("E012_CHANNEL_ID", { fields: { bytes: bytes.length } });
  }
  return bytes as ChannelId;
}

/** undefined when the field is empty: the call is then not idempotent. */
export function parseIdempotencyKey(bytes: Uint8Array): IdempotencyKey | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.length !== sizes.idempotencyKey) {
    throw new QpqError("E011_IDEMPOTENCY_KEY", { fields: { bytes: bytes.length } });
  }
  return bytes as IdempotencyKey;
}

export function inboxKeyOf(recipientKey: IdentityKey, channelId: ChannelId): InboxKey {
  const recipient = latin1(recipientKey);
  return (channelId.length === 0 ? recipient : recipient + latin1(channelId)) as InboxKey;
}

/** One character a byte. At most 48 bytes come here, so the spread into fromCharCode is safe. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

export function bytesOfLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
