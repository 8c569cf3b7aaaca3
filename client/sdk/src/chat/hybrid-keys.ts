/**
 * Hybrid keys of peers, each checked against its owner's signature before it is used, and the wrapping of payloads for
 * them. A payload is an MLSMessage (it begins with 0) or an envelope around one (it begins with 1).
 *
 * A server can withhold a key: then payloads go without the wrapping, as for a peer that has none. The wrapping is a
 * second lock that holds when MLS's curves don't, not a substitute for it.
 */
import { type HybridKeyPair, type HybridPublicKey, openEnvelope, sealEnvelope, verifyHybridKey } from "quicproquo-core";
import { type IdentityKey, limits, QpqError } from "quicproquo-proto";
import type { ChatLimits } from "./chat-limits.ts";
import type { EventLog } from "./event-log.ts";
import type { MailServer } from "./mail-server.ts";

export type HybridMode = "off" | "whenAvailable";

export type HybridKeysParts = {
  readonly events: EventLog;
  readonly server: MailServer;
  readonly mode: HybridMode;
  readonly limits: ChatLimits;
  readonly clock: () => number;
};

type Cached = { readonly key: HybridPublicKey | undefined; readonly askedAtMs: number };

/** First byte of an envelope; an MLSMessage has 0 there, the high byte of its version. */
const envelopeByte = 0x01;
const keysInOneCallMax = limits.hybridKeysMax.default;

export class HybridKeys {
  readonly #parts: HybridKeysParts;
  /** Oldest first. */
  readonly #cache = new Map<string, Cached>();

  constructor(parts: HybridKeysParts) {
    this.#parts = parts;
  }

  /** Keys of those who have one, by identity in hex. A key that its owner didn't sign is told as an event, and not used. */
  async keysOf(identities: readonly IdentityKey[]): Promise<ReadonlyMap<string, HybridPublicKey>> {
    const keys = new Map<string, HybridPublicKey>();
    if (this.#parts.mode === "off") return keys;
    const wanted = identities.filter((identity) => !this.#isKnown(identity));
    for (let at = 0; at < wanted.length; at += keysInOneCallMax) {
      await this.#fetch(wanted.slice(at, at + keysInOneCallMax));
    }
    for (const identity of identities) {
      const key = this.#cache.get(identity.toHex())?.key;
      if (key !== undefined) keys.set(identity.toHex(), key);
    }
    return keys;
  }

  async #fetch(identities: readonly IdentityKey[]): Promise<void> {
    const { hybridPublicKeys, signatures } = await this.#parts.server.fetchHybridKeys(identities);
    for (const [i, identityKey] of identities.entries()) {
      const [hybridPublicKey, signature] = [hybridPublicKeys[i], signatures[i]];
      let key: HybridPublicKey | undefined;
      if (hybridPublicKey !== undefined && signature !== undefined && hybridPublicKey.length > 0) {
        key = checkedKey(identityKey, hybridPublicKey, signature);
        if (key === undefined) await this.#parts.events.add({ kind: "hybridKeyRefused", member: identityKey });
      }
      this.#remember(identityKey, key);
    }
  }

  #isKnown(identity: IdentityKey): boolean {
    const cached = this.#cache.get(identity.toHex());
    if (cached === undefined) return false;
    return cached.key !== undefined || this.#parts.clock() - cached.askedAtMs < this.#parts.limits.hybridKeyAbsentMs;
  }

  #remember(identity: IdentityKey, key: HybridPublicKey | undefined): void {
    const name = identity.toHex();
    this.#cache.delete(name);
    this.#cache.set(name, { key, askedAtMs: this.#parts.clock() });
    const oldest = this.#cache.keys().next().value;
    if (this.#cache.size > this.#parts.limits.hybridKeysCachedMax && oldest !== undefined) this.#cache.delete(oldest);
  }
}

/** The MLSMessage in a payload. E043_ENVELOPE_REFUSED. An envelope in an envelope stays one, and is no MLSMessage. */
export function unwrapped(keyPair: HybridKeyPair, payload: Uint8Array): Uint8Array {
  return payload[0] === envelopeByte ? openEnvelope(keyPair, payload) : payload;
}

export function wrapped(key: HybridPublicKey | undefined, message: Uint8Array): Uint8Array {
  return key === undefined ? message : sealEnvelope(key, message);
}

function checkedKey(
  identityKey: IdentityKey,
  hybridPublicKey: Uint8Array,
  signature: Uint8Array,
): HybridPublicKey | undefined {
  try {
    return verifyHybridKey({ identityKey, hybridPublicKey, signature });
  } catch (error) {
    if (error instanceof QpqError && error.code === "E015_HYBRID_KEY") return undefined;
    throw error;
  }
}
