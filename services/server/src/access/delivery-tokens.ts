/**
 * Sealed senders (docs/wire.md, Sealed senders): who shows the recipient's delivery token may send to its default inbox, and
 * says not who it is. The store has the token's SHA-256, which the recipient publishes. An answer of the store is believed
 * for 5 s.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { type IdentityKey, latin1, parseIdentityKey, QpqError, sizes } from "quicproquo-proto";
import type { AccountStore } from "../store/port.ts";
import type { Caller } from "./access.ts";

const believedMs = 5_000;
/** About 20 MB. */
const knownMaxDefault = 50_000;

export type DeliveryTokensParts = {
  readonly store: Pick<AccountStore, "putDeliveryToken" | "deliveryTokenOf">;
  /** ms of a clock that is not set. */
  readonly now?: () => number;
  readonly knownMax?: number;
};

/** `sealed`: who sends by the token, all of them; undefined: there is no token. */
type Known = { readonly sealed: Caller | undefined; readonly askedAtMs: number };

export class DeliveryTokens {
  readonly #parts: DeliveryTokensParts;
  readonly #now: () => number;
  /** By recipient, one character a byte; those that were asked for longest ago come first. */
  readonly #known = new Map<string, Known>();
  /** Under way, so that two calls for one recipient keep their order. */
  readonly #asked = new Map<string, Promise<Known>>();

  constructor(parts: DeliveryTokensParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  /**
   * Durable; here at once, elsewhere within 5 s. `tokenHash`: SHA-256 of the token, or empty: nobody may send sealed any
   * more. E001_BAD_REQUEST.
   */
  async publish(identity: IdentityKey, tokenHash: Uint8Array): Promise<void> {
    if (tokenHash.length !== 0 && tokenHash.length !== sizes.deliveryTokenHash) {
      throw new QpqError("E001_BAD_REQUEST", { text: "a hash of a delivery token has 32 bytes, or none" });
    }
    const published = tokenHash.length === 0 ? undefined : tokenHash;
    await this.#parts.store.putDeliveryToken({ identity, tokenHash: published });
    this.#learn(latin1(identity), knownOf(published, this.#now()));
  }

  /** The sealed sender that the token stands for, if the recipient's token is known and it is this one. */
  findKnown(token: Uint8Array, recipientKey: Uint8Array): Caller | undefined {
    const known = this.#believed(recipientKey);
    return known && matching(known, token);
  }

  /** undefined: it is not the recipient's. E007, E020, E021; rejected. */
  async find(token: Uint8Array, recipientKey: Uint8Array): Promise<Caller | undefined> {
    const known = this.#believed(recipientKey) ?? (await this.#ask(parseIdentityKey(recipientKey)));
    return matching(known, token);
  }

  #believed(recipientKey: Uint8Array): Known | undefined {
    if (recipientKey.length !== sizes.identityKey) return undefined;
    const known = this.#known.get(latin1(recipientKey));
    return known !== undefined && this.#now() - known.askedAtMs < believedMs ? known : undefined;
  }

  #ask(recipientKey: IdentityKey): Promise<Known> {
    const name = latin1(recipientKey);
    let asked = this.#asked.get(name);
    if (asked === undefined) {
      asked = this.#look(name, Uint8Array.from(recipientKey) as IdentityKey).finally(() => this.#asked.delete(name));
      this.#asked.set(name, asked);
    }
    return asked;
  }

  async #look(name: string, identity: IdentityKey): Promise<Known> {
    const askedAtMs = this.#now();
    const tokenHash = await this.#parts.store.deliveryTokenOf(identity);
    return this.#learn(name, knownOf(tokenHash, askedAtMs));
  }

  /** Of two answers the one that was asked for later: `publish` may have come in between. */
  #learn(name: string, learnt: Known): Known {
    const known = this.#known.get(name);
    if (known !== undefined && known.askedAtMs > learnt.askedAtMs) return known;
    this.#known.delete(name);
    this.#known.set(name, learnt);
    const knownMax = this.#parts.knownMax ?? knownMaxDefault;
    if (this.#known.size > knownMax) this.#known.delete(this.#known.keys().next().value as string);
    return learnt;
  }
}

function knownOf(tokenHash: Uint8Array | undefined, askedAtMs: number): Known {
  if (tokenHash === undefined) return { sealed: undefined, askedAtMs };
  const nobody = { account: undefined, actsFor: undefined, tokenHash: undefined, expiresAtMs: undefined };
  return { sealed: { kind: "sealed", sender: Uint8Array.from(tokenHash), ...nobody }, askedAtMs };
}

/** In constant time. */
function matching({ sealed }: Known, token: Uint8Array): Caller | undefined {
  if (sealed === undefined) return undefined;
  return timingSafeEqual(hash("sha256", token, "buffer"), sealed.sender) ? sealed : undefined;
}
