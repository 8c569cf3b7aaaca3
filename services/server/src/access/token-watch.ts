/**
 * Looks after the tokens of open Sessions, which show theirs only once: that one was revoked, by whatever front-end, or
 * its account disabled, is seen within 5 s. While the store cannot be asked nobody is ended; nothing is read or sent then.
 */
import { bytesOfLatin1 } from "quicproquo-proto";
import type { AccountStore } from "../store/port.ts";

/** 3 s are left for the queries: one for 1,000 tokens. */
const everyMs = 2_000;
const tokensAtOnce = 1_000;

/** Its token is not valid any more. Must not throw. */
type OnEnd = () => void;

export class TokenWatch {
  readonly #store: Pick<AccountStore, "findTokens">;
  /** By name: SHA-256 of the token, one character a byte. */
  readonly #watched = new Map<string, Set<OnEnd>>();
  #isLooking = false;

  constructor(store: Pick<AccountStore, "findTokens">) {
    this.#store = store;
  }

  /** `onEnd` is called at most once, and not after what is returned here. */
  watch(name: string, onEnd: OnEnd): () => void {
    const watchers = this.#watched.get(name);
    if (watchers === undefined) this.#watched.set(name, new Set([onEnd]));
    else watchers.add(onEnd);
    if (!this.#isLooking) this.#wait();
    return () => this.#stop(name, onEnd);
  }

  /** Tells those who watch this token that it has ended. */
  end(name: string): void {
    const watchers = this.#watched.get(name) ?? [];
    this.#watched.delete(name);
    for (const onEnd of watchers) onEnd();
  }

  /** Asks for all. E020_STORE_UNAVAILABLE: some were not asked for. */
  async look(): Promise<void> {
    const names = [...this.#watched.keys()];
    for (let at = 0; at < names.length; at += tokensAtOnce) {
      const some = names.slice(at, at + tokensAtOnce);
      const found = await this.#store.findTokens(some.map(bytesOfLatin1));
      for (const [i, name] of some.entries()) if (found[i] === undefined) this.end(name);
    }
  }

  #stop(name: string, onEnd: OnEnd): void {
    const watchers = this.#watched.get(name);
    if (watchers === undefined) return;
    watchers.delete(onEnd);
    if (watchers.size === 0) this.#watched.delete(name);
  }

  #wait(): void {
    this.#isLooking = true;
    setTimeout(() => void this.#lookAgain(), everyMs).unref(); // never rejects
  }

  async #lookAgain(): Promise<void> {
    await this.look().catch(() => undefined); // until it can be asked again
    if (this.#watched.size === 0) this.#isLooking = false;
    else this.#wait();
  }
}
