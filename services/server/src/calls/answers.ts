/** Between the plain values of the wire and those of the domains, for whatever interface. */
import {
  type EnvelopeFields,
  type GapFields,
  type InboxKey,
  inboxKeyOf,
  type OutgoingFields,
  parseChannelId,
  parseIdempotencyKey,
  parseIdentityKey,
} from "quicproquo-proto";
import type { Letter } from "../delivery/letters.ts";
import type { Sender } from "../delivery/sender.ts";
import type { ReadAnswer } from "../store/port.ts";

/** A key of its own: what is kept longer than a call must not hold the call's message. */
export function inboxOf(fields: { readonly recipientKey: Uint8Array; readonly channelId: Uint8Array }): InboxKey {
  return inboxKeyOf(parseIdentityKey(fields.recipientKey), parseChannelId(fields.channelId));
}

export function letterOf(fields: Omit<OutgoingFields, "recipientKey">, sender: Sender): Letter {
  return {
    sender,
    channelId: parseChannelId(fields.channelId),
    payload: fields.payload,
    ttlSecs: fields.ttlSecs,
    idempotencyKey: parseIdempotencyKey(fields.idempotencyKey),
  };
}

export function answerOf({ messages, gap, storeEpoch }: ReadAnswer): { payloads: EnvelopeFields[]; gap: GapFields } {
  return {
    payloads: messages.map(({ seq, payload, enqueuedAtMs, expired }) => ({
      seq,
      data: payload,
      storeEpoch,
      enqueuedAtMs: BigInt(enqueuedAtMs),
      expired,
    })),
    gap: { ...gap, storeEpoch },
  };
}
