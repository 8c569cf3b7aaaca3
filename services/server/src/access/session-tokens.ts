/**
 * Session tokens (docs/wire.md, Login): 32 random bytes that act for one key of an account. The store has their SHA-256
 * alone, which is what they are looked up by: no comparison here takes longer for a better guess.
 *
 * One that was found is believed for 5 s, so that calls of a busy caller don't wait; after half of it the store is asked
 * beside them. So what is revoked at one front-end ends within 5 s at all.
 */
import { hash, randomBytes } from "node:crypto";
import { bytesOfLatin1, type IdentityKey, latin1, type LimitName, QpqError, sizes } from "quicproquo-proto";
import type { AccountStore, Clock, Token } from "../store/port.ts";
import type { Caller } from "./access.ts";
import { type Looked, TokenLookups } from "./token-lookups.ts";
import { TokenWatch } from "./token-watch.ts";

const believedMs = 5_000;
const freshMs = believedMs / 2;
/** About 30 MB. */
const knownMaxDefault = 50_000;

export type SessionTokensParts = {
  readonly store: AccountStore;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly clock: Clock;
  /** ms of a clock that is not set. */
  readonly now?: () => number;
  readonly knownMax?: number;
};

type Known = {
  readonly caller: Caller;
  readonly askedAtMs: number;
  /** The store is asked again. */
  isAsked: boolean;
};

export type IssuedToken = { readonly sessionToken: Uint8Array; readonly expiresAtMs: number };

/** Whose account, and the key of it that a token is for. */
export type Acting = { readonly identity: IdentityKey; readonly actsFor: IdentityKey };

export class SessionTokens {
  readonly #store: AccountStore;
  readonly #limits: Readonly<Record<LimitName, number>>;
  readonly #clock: Clock;
  readonly #now: () => number;
  readonly #knownMax: number;
  readonly #lookups: TokenLookups;
  readonly #watch: TokenWatch;
  /** By SHA-256 of the token, one character a byte; those that were asked for longest ago come first. */
  readonly #known = new Map<string, Known>();

  constructor({ store, limits, clock, now = () => performance.now(), knownMax = knownMaxDefault }: SessionTokensParts) {
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
    this.#now = now;
    this.#knownMax = knownMax;
    this.#lookups = new TokenLookups(store, now);
    this.#watch = new TokenWatch(store);
  }

  /** Durable. undefined: there is no such account any more, it is disabled, or the key is not its own. */
  async issue({ identity, actsFor }: Acting): Promise<IssuedToken | undefined> {
    const sessionToken = randomBytes(sizes.sessionToken);
    const createdAtMs = this.#clock();
    const expiresAtMs = createdAtMs + this.#limits.sessionTokenSecs * 1_000;
    const token = { hash: hash("sha256", sessionToken, "buffer"), identity, actsFor, createdAtMs, expiresAtMs };
    const put = await this.#store.putToken({ token, tokensMax: this.#limits.tokensMax });
    return put === "stored" ? { sessionToken, expiresAtMs } : undefined;
  }

  /**
   * As issue; undefined also when what the token rests on is over once it stands. What ends that later finds the token, and
   * ends it too.
   */
  async issueWhile(acting: Acting, isStillSo: () => Promise<boolean>): Promise<IssuedToken | undefined> {
    const issued = await this.issue(acting);
    if (issued === undefined || (await isStillSo())) return issued;
    await this.#store.revokeToken(hash("sha256", issued.sessionToken, "buffer"));
    return undefined;
  }

  /** At once for one that is believed. E005_SESSION_EXPIRED: expired, revoked, or never was. E020, E021. */
  find(sessionToken: Uint8Array): Caller | Promise<Caller> {
    const name = hash("sha256", sessionToken, "latin1");
    const known = this.#known.get(name);
    const ageMs = known === undefined ? believedMs : this.#now() - known.askedAtMs;
    if (known === undefined || ageMs >= believedMs) return this.#ask(name);
    if (ageMs >= freshMs && !known.isAsked) void this.#askBeside(name, known); // never rejects
    return this.#living(known.caller);
  }

  /** Asks the store, whatever is believed. E005_SESSION_EXPIRED, E020, E021. */
  async confirm({ tokenHash }: Caller): Promise<void> {
    if (tokenHash !== undefined) await this.#ask(latin1(tokenHash));
  }

  /** A further token for the same key; the one before lives on, for an answer can be lost. E005_SESSION_EXPIRED. */
  async renew(caller: Caller): Promise<IssuedToken> {
    const issued = await this.issueWhile(actingOf(caller), async () => {
      const [before] = await this.#store.findTokens([caller.tokenHash as Uint8Array]);
      return before !== undefined;
    });
    if (issued === undefined) throw new QpqError("E005_SESSION_EXPIRED");
    return issued;
  }

  /** The caller's token, or all: of the account when it acts for the identity, of the device when for that. Durable. */
  async revoke(caller: Caller, all: boolean): Promise<void> {
    const { identity, actsFor } = actingOf(caller);
    if (all) return await this.revokeAll(identity, caller.kind === "device" ? actsFor : undefined);
    const { tokenHash } = caller;
    if (tokenHash === undefined) return;
    await this.#store.revokeToken(tokenHash);
    this.#known.delete(latin1(tokenHash));
    this.#watch.end(latin1(tokenHash));
  }

  /** All of the account, or those that act for one key. Durable; here also at once, elsewhere within 5 s. */
  async revokeAll(identity: IdentityKey, actsFor: IdentityKey | undefined): Promise<void> {
    await this.#store.revokeTokens({ identity, actsFor });
    await this.forget(identity);
  }

  /** Something has ended tokens of the account, e.g. its end: here that holds at once. */
  async forget(identity: IdentityKey): Promise<void> {
    for (const [name, { caller }] of this.#known) {
      if (caller.account !== undefined && Buffer.compare(caller.account, identity) === 0) this.#known.delete(name);
    }
    // else within 5 s, as everywhere
    await this.#watch.lookAt(identity).catch(() => undefined);
  }

  /** Calls onEnd once, within 5 s of the end of the caller's token but for its expiry; returns what stops it. */
  watch({ tokenHash, account }: Caller, onEnd: () => void): () => void {
    if (tokenHash === undefined || account === undefined) return () => {};
    return this.#watch.watch({ name: latin1(tokenHash), account }, onEnd);
  }

  async #ask(name: string): Promise<Caller> {
    const caller = this.#learn(name, await this.#lookups.find(name));
    if (caller === undefined) throw new QpqError("E005_SESSION_EXPIRED");
    return this.#living(caller);
  }

  /** What comes of it the next call is told. */
  async #askBeside(name: string, known: Known): Promise<void> {
    known.isAsked = true;
    try {
      this.#learn(name, await this.#lookups.find(name));
    } catch {
      known.isAsked = false;
    }
  }

  #learn(name: string, { token, askedAtMs }: Looked): Caller | undefined {
    const known = this.#known.get(name);
    this.#known.delete(name);
    if (token === undefined) return undefined;
    // the same object as before: what is kept by it goes on
    const caller = known?.caller ?? callerOf(token, bytesOfLatin1(name));
    this.#known.set(name, { caller, askedAtMs, isAsked: false });
    if (this.#known.size > this.#knownMax) this.#known.delete(this.#known.keys().next().value as string);
    return caller;
  }

  #living(caller: Caller): Caller {
    if (this.#clock() >= (caller.expiresAtMs as number)) throw new QpqError("E005_SESSION_EXPIRED");
    return caller;
  }
}

function callerOf({ identity, actsFor, expiresAtMs }: Token, tokenHash: Uint8Array): Caller {
  const kind = Buffer.compare(identity, actsFor) === 0 ? "session" : "device";
  return { kind, sender: actsFor, account: identity, actsFor, tokenHash, expiresAtMs };
}

/** Of a caller whom a rule let in for acting for a key. */
export function actingOf({ account, actsFor }: Caller): Acting {
  if (account === undefined || actsFor === undefined) throw new Error("the caller acts for no key");
  return { identity: account, actsFor };
}
