/**
 * How fast one sender may send: in all, which protects the server, and into one inbox, which protects its reader. What is
 * counted are messages and calls, stored or not: a repeat costs what the first try did. Asked before anything is stored.
 *
 * Who sends by a token of its own has a limit of calls and recipients a minute beside that; it counts by the key that the
 * token acts for, so that further tokens are no further allowance. All sealed senders to one inbox are one. The static
 * token is everybody's, and has no such limit.
 */
import { type InboxKey, type LimitName, QpqError } from "quicproquo-proto";
import { isNobody } from "../keys/signature.ts";
import type { RateCounter, RateLimit } from "../store/port.ts";

type NamedLimit = RateLimit & { readonly name: LimitName };

export class SendingRates {
  readonly #counter: RateCounter;
  readonly #ofSender: NamedLimit;
  readonly #intoInbox: NamedLimit;
  readonly #calls: NamedLimit;
  readonly #recipients: NamedLimit;
  /** Of the last one: most calls come from who called before, and its keys are made once. */
  #sender: Uint8Array | undefined;
  #ofSenderKey = "";
  #intoInboxKey = "";
  /** undefined: the static token's. */
  #ownKey: string | undefined;

  constructor(counter: RateCounter, limits: Readonly<Record<LimitName, number>>) {
    this.#counter = counter;
    const { senderMessagesPerSecond, senderMessagesBurst, inboxMessagesPerSecond, inboxMessagesBurst } = limits;
    this.#ofSender = {
      name: "senderMessagesPerSecond",
      perSecond: senderMessagesPerSecond,
      burst: senderMessagesBurst,
    };
    this.#intoInbox = { name: "inboxMessagesPerSecond", perSecond: inboxMessagesPerSecond, burst: inboxMessagesBurst };
    this.#calls = perMinute("sendingCallsPerMinute", limits);
    this.#recipients = perMinute("recipientsPerMinute", limits);
  }

  /**
   * One call. `sender`: 32 bytes. E018_RATE_LIMIT with the time until it would be admitted: nothing may be stored; what was
   * counted before the refusal stays so.
   */
  require(sender: Uint8Array, messages: readonly { readonly inbox: InboxKey }[]): void {
    if (messages.length === 0) return;
    if (sender !== this.#sender) this.#name(sender);
    if (this.#ownKey !== undefined) {
      this.#admit(`calls ${this.#ownKey}`, this.#calls, 1);
      this.#admit(`recipients ${this.#ownKey}`, this.#recipients, messages.length);
    }
    this.#admit(this.#ofSenderKey, this.#ofSender, messages.length);
    for (const { inbox } of messages) this.#admit(this.#intoInboxKey + inbox, this.#intoInbox, 1);
  }

  #name(sender: Uint8Array): void {
    const name = Buffer.from(sender.buffer, sender.byteOffset, sender.length).toString("latin1");
    this.#sender = sender;
    this.#ofSenderKey = `sender ${name}`;
    this.#intoInboxKey = `inbox ${name}`;
    // nobody's key is all zero (accounts.ts)
    this.#ownKey = isNobody(sender) ? undefined : name;
  }

  #admit(key: string, limit: NamedLimit, cost: number): void {
    const retryAfterMs = this.#counter.admit(key, limit, cost);
    if (retryAfterMs === 0) return;
    throw new QpqError("E018_RATE_LIMIT", { retryAfterMs, fields: { limit: limit.name } });
  }
}

/** So many at once too, and then as many as come back: in the worst 60 s twice as many. */
function perMinute(name: LimitName, limits: Readonly<Record<LimitName, number>>): NamedLimit {
  return { name, perSecond: limits[name] / 60, burst: limits[name] };
}
