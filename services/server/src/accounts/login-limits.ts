/**
 * How often somebody may try passwords. With OPAQUE a client knows after the first half of a login whether the password was
 * right, and after the first half of a registration it has what it needs to try it on an answer of before; the server
 * learns of neither. So both beginnings count, for one name, whether they lead anywhere or not.
 *
 * Of one name from one network a few a minute are let in, and more are refused. Of one name from everywhere many are, and
 * more are delayed: somebody who tries from a thousand places slows the owner down, and locks nobody out.
 */
import { type LimitName, QpqError, type Username } from "quicproquo-proto";
import type { RateCounter } from "../store/port.ts";
import { networkOf } from "./network.ts";

const delayMsMax = 5_000;
/** That wait at this front-end; beyond it E018_RATE_LIMIT. */
const delayedMax = 1_000;

export type LoginLimitsParts = {
  readonly rates: RateCounter;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly pause?: (ms: number) => Promise<void>;
};

type AttemptLimit = Extract<
  LimitName,
  "loginAttemptsPerMinute" | "loginAddressAttemptsPerMinute" | "loginAccountAttemptsPerMinute" | "registrationsPerHour"
>;

export class LoginLimits {
  readonly #rates: RateCounter;
  readonly #limits: Readonly<Record<LimitName, number>>;
  readonly #pause: (ms: number) => Promise<void>;
  #delayed = 0;

  constructor({ rates, limits, pause = sleep }: LoginLimitsParts) {
    this.#rates = rates;
    this.#limits = limits;
    this.#pause = pause;
  }

  /** The first half of a login or a registration. Resolves when it may go on; E018_RATE_LIMIT. */
  async begin(username: Username, host: string): Promise<void> {
    const network = networkOf(host);
    this.#require("loginAddressAttemptsPerMinute", network);
    // the name last: it may have any characters
    this.#require("loginAttemptsPerMinute", `${network} ${username}`);
    const waitMs = this.#waitMs("loginAccountAttemptsPerMinute", username);
    if (waitMs > 0) await this.#delay(Math.min(waitMs, delayMsMax));
  }

  /** The second half of a login. E018_RATE_LIMIT. */
  finishLogin(host: string): void {
    this.#require("loginAddressAttemptsPerMinute", networkOf(host));
  }

  /** The second half of a registration. E018_RATE_LIMIT. */
  register(host: string): void {
    this.#require("registrationsPerHour", networkOf(host));
  }

  #require(name: AttemptLimit, of: string): void {
    const retryAfterMs = this.#waitMs(name, of);
    if (retryAfterMs > 0) throw tooMany(name, retryAfterMs);
  }

  #waitMs(name: AttemptLimit, of: string): number {
    const burst = this.#limits[name];
    const seconds = name === "registrationsPerHour" ? 3_600 : 60;
    return this.#rates.admit(`${name} ${of}`, { perSecond: burst / seconds, burst }, 1);
  }

  async #delay(ms: number): Promise<void> {
    if (this.#delayed >= delayedMax) throw tooMany("loginAccountAttemptsPerMinute", delayMsMax);
    this.#delayed++;
    await this.#pause(ms);
    this.#delayed--;
  }
}

function tooMany(limit: AttemptLimit, retryAfterMs: number): QpqError {
  return new QpqError("E018_RATE_LIMIT", { retryAfterMs, fields: { limit }, text: "too many tries" });
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
