/**
 * How fast one sender may send: in all, which protects the server, and into one inbox, which protects its reader. What is
 * counted are messages, stored or not: a repeat costs what the first try did. Asked before anything is stored.
 */
import { type InboxKey, type LimitName, QpqError } from "quicproquo-proto";
import type { RateCounter, RateLimit } from "../store/port.ts";

export class SendingRates {
  readonly #counter: RateCounter;
  readonly #ofSender: RateLimit;
  readonly #intoInbox: RateLimit;
  /** Of the last one: most calls come from who called before, and its keys are made once. */
  #sender: Uint8Array | undefined;
  #ofSenderKey = "";
  #intoInboxKey = "";

  constructor(counter: RateCounter, limits: Readonly<Record<LimitName, number>>) {
    this.#counter = counter;
    this.#ofSender = { perSecond: limits.senderMessagesPerSecond, burst: limits.senderMessagesBurst };
    this.#intoInbox = { perSecond: limits.inboxMessagesPerSecond, burst: limits.inboxMessagesBurst };
  }

  /**
   * `sender`: 32 bytes. E018_RATE_LIMIT with the time until it would be admitted: nothing may be stored; what was counted
   * before the refusal stays so.
   */
  require(sender: Uint8Array, messages: readonly { readonly inbox: InboxKey }[]): void {
    if (messages.length === 0) return;
    if (sender !== this.#sender) this.#name(sender);
    this.#admit(this.#ofSenderKey, this.#ofSender, messages.length);
    for (const { inbox } of messages) this.#admit(this.#intoInboxKey + inbox, this.#intoInbox, 1);
  }

  #name(sender: Uint8Array): void {
    const name = Buffer.from(sender.buffer, sender.byteOffset, sender.length).toString("latin1");
    this.#sender = sender;
    this.#ofSenderKey = `sender ${name}`;
    this.#intoInboxKey = `inbox ${name}`;
  }

  #admit(key: string, limit: RateLimit, cost: number): void {
    const retryAfterMs = this.#counter.admit(key, limit, cost);
    if (retryAfterMs === 0) return;
    throw new QpqError("E018_RATE_LIMIT", { retryAfterMs, fields: { perSecond: limit.perSecond } });
  }
}
