/**
 * The directory of public keys: KeyPackages (RFC 9420 section 10, opaque here: the server knows no MLS) and signed
 * hybrid keys. A single-use KeyPackage is given out once in its life, also across crashes.
 */
import { createHash } from "node:crypto";
import { type IdentityKey, labels, latin1, type LimitName, QpqError, sizes } from "quicproquo-proto";
import { type Rate, ratePer, requireRate } from "../access/rates.ts";
import type { Clock, HybridKey, KeyStore, RateCounter } from "../store/port.ts";
import { hasSigned } from "./signature.ts";

export type KeysParts = {
  readonly store: KeyStore;
  readonly rates: RateCounter;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly clock: Clock;
};

export class Keys {
  readonly #store: KeyStore;
  readonly #limits: Readonly<Record<LimitName, number>>;
  readonly #clock: Clock;
  readonly #rates: RateCounter;
  readonly #fetches: Rate;
  readonly #fetchesOfOne: Rate;

  constructor({ store, rates, limits, clock }: KeysParts) {
    this.#store = store;
    this.#rates = rates;
    this.#fetches = ratePer(3_600, "keyPackagesPerHour", limits);
    this.#fetchesOfOne = ratePer(3_600, "keyPackageFetchesPerHour", limits);
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Durable. fingerprint = SHA-256(package). E013, E014_KEY_PACKAGE_POOL_FULL. */
  async uploadKeyPackage(
    identity: IdentityKey,
    keyPackage: Uint8Array,
    lastResort: boolean,
  ): Promise<{ fingerprint: Uint8Array; remaining: number }> {
    const max = this.#limits.keyPackageBytesMax;
    if (keyPackage.length === 0 || keyPackage.length > max) {
      throw new QpqError("E013_KEY_PACKAGE_SIZE", { fields: { bytes: keyPackage.length, max } });
    }
    const lifeSecs = lastResort ? this.#limits.lastResortLifeSecs : this.#limits.keyPackageLifeSecs;
    const { kind, remaining } = await this.#store.putKeyPackage({
      identity,
      keyPackage,
      lastResort,
      expiresAtMs: this.#clock() + lifeSecs * 1_000,
      poolMax: this.#limits.keyPackagePoolMax,
    });
    if (kind === "full")
      throw new QpqError("E014_KEY_PACKAGE_POOL_FULL", { fields: { max: this.#limits.keyPackagePoolMax } });
    return { fingerprint: createHash("sha256").update(keyPackage).digest(), remaining };
  }

  /**
   * Empty when there is none. `by`: the account that asks, which empties no other one's pool, nor one of each of many; undefined = the static token,
   * which has no limit. E018_RATE_LIMIT.
   */
  async fetchKeyPackage(identity: IdentityKey, by: IdentityKey | undefined): Promise<Uint8Array> {
    if (by !== undefined) {
      const name = latin1(by);
      requireRate(this.#rates, this.#fetchesOfOne, name + latin1(identity));
      requireRate(this.#rates, this.#fetches, name);
    }
    return (await this.#store.takeKeyPackage(identity)) ?? new Uint8Array();
  }

  /** E015_HYBRID_KEY unless the identity has signed the key: nobody can plant one for another, even with the static token. */
  async uploadHybridKey(identity: IdentityKey, key: HybridKey): Promise<void> {
    if (key.hybridPublicKey.length !== sizes.hybridPublicKey || !isSignedBy(identity, key)) {
      throw new QpqError("E015_HYBRID_KEY");
    }
    await this.#store.putHybridKey(identity, key);
  }

  async fetchHybridKeys(identities: readonly IdentityKey[]): Promise<readonly (HybridKey | undefined)[]> {
    if (identities.length > this.#limits.hybridKeysMax) {
      throw new QpqError("E016_TOO_MANY_RECIPIENTS", { fields: { max: this.#limits.hybridKeysMax } });
    }
    return this.#store.getHybridKeys(identities);
  }
}

/** Over identityKey || hybridPublicKey (wire.md, Meaning). */
function isSignedBy(identity: IdentityKey, { hybridPublicKey, signature }: HybridKey): boolean {
  return hasSigned(identity, { label: labels.hybridKey, parts: [identity, hybridPublicKey], signature });
}
