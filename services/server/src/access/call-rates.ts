/**
 * How many calls with a token somebody may make: one account, whatever tokens and devices it calls by, and one network,
 * with whatever tokens, valid or not. What sending costs beside that: delivery/sending-rates.ts. The static token is
 * everybody's and has neither limit.
 */
import { type IdentityKey, latin1, type LimitName } from "quicproquo-proto";
import type { RateCounter } from "../store/port.ts";
import { type Rate, ratePer, requireRate } from "./rates.ts";

export class CallRates {
  readonly #counter: RateCounter;
  readonly #ofAccount: Rate;
  readonly #ofSessions: Rate;
  readonly #ofNetwork: Rate;

  constructor(counter: RateCounter, limits: Readonly<Record<LimitName, number>>) {
    this.#counter = counter;
    this.#ofAccount = ratePer(60, "callsPerMinute", limits);
    this.#ofSessions = ratePer(60, "sessionCallsPerMinute", limits);
    this.#ofNetwork = ratePer(60, "networkCallsPerMinute", limits);
  }

  /** One call. E018_RATE_LIMIT. */
  requireAccount(account: IdentityKey): void {
    requireRate(this.#counter, this.#ofAccount, latin1(account));
  }

  /** One call of its Sessions, e.g. an acknowledgement of what was pushed: many more than by tokens. E018_RATE_LIMIT. */
  requireSession(account: IdentityKey): void {
    requireRate(this.#counter, this.#ofSessions, latin1(account));
  }

  /** One call. `network`: network.ts. E018_RATE_LIMIT. */
  requireNetwork(network: string): void {
    requireRate(this.#counter, this.#ofNetwork, network);
  }
}
