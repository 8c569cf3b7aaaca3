/**
 * Looks after the tokens of open Sessions, which show theirs only once: that one was revoked, by whatever front-end, or
 * its account disabled, is seen within 5 s. While the store cannot be asked nobody is ended; nothing is read or sent then.
 */
import { bytesOfLatin1, type IdentityKey } from "quicproquo-proto";
import type { AccountStore } from "../store/port.ts";

/** 3 s are left for the queries: one for 1,000 tokens. */
const everyMs = 2_000;
const tokensAtOnce = 1_000;

/** Its token is not valid any more. Must not throw. */
type OnEnd = () => void;

/** One token. */
type Watched = { readonly account: IdentityKey; readonly watchers: Set<OnEnd> };

export class TokenWatch {
  readonly #store: Pick<AccountStore, "findTokens">;
  /** By name: SHA-256 of the token, one character a byte. */
  readonly #watched = new Map<string, Watched>();
  #isLooking = false;

  constructor(store: Pick<AccountStore, "findTokens">) {
    this.#store = store;
  }

  /** `onEnd` is called at most once, and not after what is returned here. */
  watch({ name, account }: { readonly name: string; readonly account: IdentityKey }, onEnd: OnEnd): () => void {
    const watched = this.#watched.get(name);
    if (watched === undefined) this.#watched.set(name, { account, watchers: new Set([onEnd]) });
    else watched.watchers.add(onEnd);
    if (!this.#isLooking) this.#wait();
    return () => this.#stop(name, onEnd);
  }

  /** Tells those who watch this token that it has ended. */
  end(name: string): void {
    const watched = this.#watched.get(name);
    this.#watched.delete(name);
    for (const onEnd of watched?.watchers ?? []) onEnd();
  }

  /** Asks for those of an account. E020_STORE_UNAVAILABLE. */
  async lookAt(account: IdentityKey): Promise<void> {
    const ofAccount = [...this.#watched].filter(([, watched]) => Buffer.compare(watched.account, account) === 0);
    await this.#look(ofAccount.map(([name]) => name));
  }

  async #look(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += tokensAtOnce) {
      const some = names.slice(at, at + tokensAtOnce);
      const found = await this.#store.findTokens(some.map(bytesOfLatin1));
      for (const [i, name] of some.entries()) if (found[i] === undefined) this.end(name);
    }
  }

  #stop(name: string, onEnd: OnEnd): void {
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    watched.watchers.delete(onEnd);
    if (watched.watchers.size === 0) this.#watched.delete(name);
  }

  #wait(): void {
    this.#isLooking = true;
    setTimeout(() => void this.#lookAgain(), everyMs).unref(); // never rejects
  }

  async #lookAgain(): Promise<void> {
    await this.#look([...this.#watched.keys()]).catch(() => undefined); // until it can be asked again
    if (this.#watched.size === 0) this.#isLooking = false;
    else this.#wait();
  }
}
