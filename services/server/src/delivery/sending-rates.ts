/**
 * How fast one sender may send: in all, which protects the server, and into one inbox, which protects its reader. What is
 * counted are messages and calls, stored or not: a repeat costs what the first try did. Asked before anything is stored.
 *
 * An account has a limit of calls and recipients a minute beside that, whatever tokens and devices it sends by, so that
 * further ones are no further allowance; and so has a network, whatever accounts send from there. All sealed senders by one
 * delivery token are one. The static token is everybody's, and has no such limit.
 */
import { type InboxKey, latin1, type LimitName } from "quicproquo-proto";
import { type Rate, rateOf, ratePer, requireRate } from "../access/rates.ts";
import { isNobody } from "../keys/signature.ts";
import type { RateCounter } from "../store/port.ts";
import type { Sender } from "./sender.ts";

export class SendingRates {
  readonly #counter: RateCounter;
  readonly #ofSender: Rate;
  readonly #intoInbox: Rate;
  readonly #calls: Rate;
  readonly #recipients: Rate;
  readonly #ofNetwork: Rate;
  /** Of the last one: most calls come from who called before, and its keys are made once. */
  #sender: Sender | undefined;
  #key = "";
  /** undefined: the static token's. */
  #account: string | undefined;

  constructor(counter: RateCounter, limits: Readonly<Record<LimitName, number>>) {
    this.#counter = counter;
    this.#ofSender = rateOf("senderMessagesPerSecond", "senderMessagesBurst", limits);
    this.#intoInbox = rateOf("inboxMessagesPerSecond", "inboxMessagesBurst", limits);
    this.#calls = ratePer(60, "sendingCallsPerMinute", limits);
    this.#recipients = ratePer(60, "recipientsPerMinute", limits);
    this.#ofNetwork = ratePer(60, "networkRecipientsPerMinute", limits);
  }

  /**
   * One call. E018_RATE_LIMIT with the time until it would be admitted: nothing may be stored; what was counted before the
   * refusal stays so.
   */
  require(sender: Sender, messages: readonly { readonly inbox: InboxKey }[]): void {
    if (messages.length === 0) return;
    if (sender !== this.#sender) this.#name(sender);
    if (this.#account !== undefined) {
      requireRate(this.#counter, this.#calls, this.#account);
      requireRate(this.#counter, this.#recipients, this.#account, messages.length);
      requireRate(this.#counter, this.#ofNetwork, sender.network, messages.length);
    }
    requireRate(this.#counter, this.#ofSender, this.#key, messages.length);
    for (const { inbox } of messages) requireRate(this.#counter, this.#intoInbox, this.#key + inbox);
  }

  #name(sender: Sender): void {
    this.#sender = sender;
    this.#key = latin1(sender.key);
    // nobody's key is all zero (accounts.ts)
    this.#account = isNobody(sender.key) ? undefined : latin1(sender.account ?? sender.key);
  }
}
