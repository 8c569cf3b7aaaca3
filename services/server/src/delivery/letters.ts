/** From what a sender asks for to what the store appends: size, life and the id that makes a repeat the same message. */
import { hash } from "node:crypto";
import {
  type ChannelId,
  type IdempotencyKey,
  type IdentityKey,
  inboxKeyOf,
  type LimitName,
  QpqError,
} from "quicproquo-proto";
import { isNobody } from "../keys/signature.ts";
import type { Append, Clock } from "../store/port.ts";
import type { Sender } from "./sender.ts";

export type Letter = {
  readonly sender: Sender;
  readonly channelId: ChannelId;
  readonly payload: Uint8Array;
  /** 0 = the server's message life. */
  readonly ttlSecs: number;
  readonly idempotencyKey: IdempotencyKey | undefined;
};

export class Letters {
  readonly #limits: Readonly<Record<LimitName, number>>;
  readonly #clock: Clock;

  constructor(limits: Readonly<Record<LimitName, number>>, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** An account, or who shows a delivery token, holds a share of an inbox. E008_PAYLOAD_TOO_LARGE, E010_PAYLOAD_EMPTY. */
  entryFor(recipientKey: IdentityKey, letter: Letter): Append {
    const { payload, idempotencyKey, ttlSecs } = letter;
    const max = this.#limits.payloadBytesMax;
    if (payload.length === 0) throw new QpqError("E010_PAYLOAD_EMPTY");
    if (payload.length > max) throw new QpqError("E008_PAYLOAD_TOO_LARGE", { fields: { bytes: payload.length, max } });
    const lifeSecs = ttlSecs === 0 ? this.#limits.messageLifeSecs : Math.min(ttlSecs, this.#limits.messageLifeSecs);
    return {
      inbox: inboxKeyOf(recipientKey, letter.channelId),
      payload,
      messageId: idempotencyKey === undefined ? undefined : messageIdOf(letter.sender.key, idempotencyKey),
      expiresAtMs: this.#clock() + lifeSecs * 1_000,
      // one for all devices of an account, of which five would fill an inbox; the static token is everybody's
      ...(!isNobody(letter.sender.key) && { sender: letter.sender.account ?? letter.sender.key }),
    };
  }

  /** E016_TOO_MANY_RECIPIENTS. */
  requireFew(entries: readonly Append[]): void {
    const max = this.#limits.batchRecipientsMax;
    if (entries.length > max) throw new QpqError("E016_TOO_MANY_RECIPIENTS", { fields: { max } });
  }

  /** E016_TOO_MANY_RECIPIENTS, E017_DUPLICATE_RECIPIENT. */
  requireDistinct(entries: readonly Append[]): void {
    this.requireFew(entries);
    if (new Set(entries.map((entry) => entry.inbox)).size !== entries.length) {
      throw new QpqError("E017_DUPLICATE_RECIPIENT");
    }
  }
}

const idBytes = 16;
/** Of a sender, 32 bytes, and a key, 16 bytes. */
const named = new Uint8Array(48);

/** The sender is hashed in, so nobody can burn another's idempotency key (wire.md, Meaning). */
export function messageIdOf(sender: Uint8Array, idempotencyKey: IdempotencyKey): Uint8Array {
  if (sender.length + idempotencyKey.length !== named.length) throw new Error("a sender or a key of another length");
  named.set(sender);
  named.set(idempotencyKey, sender.length);
  const id = Buffer.allocUnsafe(idBytes); // of Node's pool
  // one-shot: half the time of a Hash object; as text: a third of the time of a Buffer, which is memory of its own
  id.write(hash("sha256", named, "binary"), 0, idBytes, "latin1");
  return id;
}
