/**
 * Asks the store for tokens, many at a time: while a query is under way those that come wait for the next one. So wrong
 * tokens, however many, cost one query at a time.
 */
import { bytesOfLatin1, QpqError } from "quicproquo-proto";
import type { AccountStore, Token } from "../store/port.ts";

/** Of one query: 1,000 rows by primary key. */
const tokensAtOnce = 1_000;
/** Tokens that wait: beyond it E021_OVERLOADED. */
const waitingMax = 20_000;

/** `askedAtMs`: what it says was so at this moment or later. */
export type Looked = { readonly token: Token | undefined; readonly askedAtMs: number };

type Asked = { readonly name: string; readonly answer: PromiseWithResolvers<Looked> };

export class TokenLookups {
  readonly #store: Pick<AccountStore, "findTokens">;
  readonly #now: () => number;
  /** By name: also those that the query under way asks for, so that two calls of one token keep their order. */
  readonly #asked = new Map<string, Promise<Looked>>();
  #waiting: Asked[] = [];
  #isAsking = false;

  constructor(store: Pick<AccountStore, "findTokens">, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** `name`: SHA-256 of the token, one character a byte. E020_STORE_UNAVAILABLE, E021_OVERLOADED. */
  find(name: string): Promise<Looked> {
    const asked = this.#asked.get(name);
    if (asked !== undefined) return asked;
    if (this.#waiting.length >= waitingMax) {
      return Promise.reject(new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000 }));
    }
    const answer = Promise.withResolvers<Looked>();
    this.#asked.set(name, answer.promise);
    this.#waiting.push({ name, answer });
    if (!this.#isAsking) void this.#ask(); // never rejects
    return answer.promise;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, tokensAtOnce);
      const askedAtMs = this.#now();
      try {
        const found = await this.#store.findTokens(some.map(({ name }) => bytesOfLatin1(name)));
        for (const { name } of some) this.#asked.delete(name);
        for (const [i, { answer }] of some.entries()) answer.resolve({ token: found[i], askedAtMs });
      } catch (error) {
        for (const { name } of some) this.#asked.delete(name);
        for (const { answer } of some) answer.reject(error);
      }
    }
    this.#isAsking = false;
  }
}
