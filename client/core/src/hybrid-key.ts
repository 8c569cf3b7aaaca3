/**
 * Hybrid keys: X25519 and ML-KEM-768 side by side, so an envelope stays closed while either of the two holds. A public
 * key is 1216 bytes, X25519 32 || ML-KEM encapsulation key 1184, and counts only with the identity key's signature: the
 * server that hands it out could otherwise put its own in place.
 */
import { primitives } from "#primitives";
import { type IdentityKey, labels, QpqError, sizes } from "quicproquo-proto";
import { type Identity, verifySignature } from "./identity.ts";
import type { AgreementKey, KemKey } from "./primitives.ts";
import { inspectSymbol, secretText } from "./secret.ts";

declare const brand: unique symbol;

/** 1216 bytes that passed {@link parseHybridPublicKey}. Nobody changes them. */
export type HybridPublicKey = Uint8Array & { readonly [brand]: "HybridPublicKey" };

/** X25519 scalar 32 || ML-KEM d 32 || ML-KEM z 32. */
export const hybridSeedBytes = 96;
const agreementKeyBytes = 32;

/** The X25519 half and the ML-KEM half of a public key, as views. */
export function hybridPublicKeyParts(key: HybridPublicKey): {
  readonly agreement: Uint8Array;
  readonly kem: Uint8Array;
} {
  return { agreement: key.subarray(0, agreementKeyBytes), kem: key.subarray(agreementKeyBytes) };
}

export class HybridKeyPair {
  readonly publicKey: HybridPublicKey;
  readonly #agreement: AgreementKey;
  readonly #kem: KemKey;

  private constructor(agreement: AgreementKey, kem: KemKey) {
    this.#agreement = agreement;
    this.#kem = kem;
    const publicKey = new Uint8Array(sizes.hybridPublicKey);
    publicKey.set(agreement.publicKey, 0);
    publicKey.set(kem.publicKey, agreementKeyBytes);
    this.publicKey = publicKey as HybridPublicKey;
  }

  /** The same 96-byte seed gives the same pair; the caller wipes the seed. */
  static fromSeed(seed: Uint8Array): HybridKeyPair {
    if (seed.length !== hybridSeedBytes) throw new TypeError(`hybrid seed must be ${hybridSeedBytes} bytes`);
    return new HybridKeyPair(
      primitives.agreementKey(seed.subarray(0, agreementKeyBytes)),
      primitives.kemKey(seed.subarray(agreementKeyBytes)),
    );
  }

  /** A new pair from the operating system's randomness. */
  static generate(): HybridKeyPair {
    const seed = primitives.randomBytes(hybridSeedBytes);
    try {
      return HybridKeyPair.fromSeed(seed);
    } finally {
      seed.fill(0);
    }
  }

  /** X25519 with the sender's ephemeral key; undefined for a low-order point. The caller wipes the result. */
  agree(ephemeralKey: Uint8Array): Uint8Array | undefined {
    return this.#agreement.agree(ephemeralKey);
  }

  /** ML-KEM-768 decapsulation; an altered ciphertext gives another secret. The caller wipes the result. */
  decapsulate(ciphertext: Uint8Array): Uint8Array {
    return this.#kem.decapsulate(ciphertext);
  }

  /** For the state file; the caller wipes it. */
  exportSeed(): Uint8Array {
    const agreementSeed = this.#agreement.exportSeed();
    const kemSeed = this.#kem.exportSeed();
    const seed = new Uint8Array(hybridSeedBytes);
    seed.set(agreementSeed, 0);
    seed.set(kemSeed, agreementKeyBytes);
    agreementSeed.fill(0);
    kemSeed.fill(0);
    return seed;
  }

  toString(): string {
    return secretText;
  }

  toJSON(): string {
    return secretText;
  }

  [inspectSymbol](): string {
    return secretText;
  }
}

/**
 * Copies the bytes of a peer's public key, or throws E015_HYBRID_KEY: another length, a low-order X25519 point, or an
 * ML-KEM coefficient outside the field (FIPS 203 section 7.2).
 */
export function parseHybridPublicKey(bytes: Uint8Array): HybridPublicKey {
  if (bytes.length !== sizes.hybridPublicKey) {
    throw new QpqError("E015_HYBRID_KEY", { fields: { bytes: bytes.length } });
  }
  const key = Uint8Array.from(bytes) as HybridPublicKey;
  const { agreement, kem } = hybridPublicKeyParts(key);
  // Any scalar shows a low-order point, since clamping makes every scalar a multiple of the cofactor; a fixed one will do.
  if (primitives.agreementKey(new Uint8Array(agreementKeyBytes).fill(1)).agree(agreement) === undefined) {
    throw new QpqError("E015_HYBRID_KEY", { text: "the X25519 half of the hybrid public key is a low-order point" });
  }
  // Encapsulating once is the platform's own check of the ML-KEM half: 0.1 ms, and only when a key is first seen.
  if (primitives.encapsulate(kem) === undefined) {
    throw new QpqError("E015_HYBRID_KEY", { text: "the ML-KEM half of the hybrid public key is not valid" });
  }
  return key;
}

/** The identity's signature over its own hybrid public key, as uploadHybridKey wants it. */
export function signHybridKey(identity: Identity, key: HybridPublicKey): Uint8Array {
  return identity.sign(labels.hybridKey, identity.identityKey, key);
}

export type UploadedHybridKey = {
  /** Whose key it should be: the identity that was asked for, never one that came with the answer. */
  readonly identityKey: IdentityKey;
  readonly hybridPublicKey: Uint8Array;
  readonly signature: Uint8Array;
};

/** The key when that identity signed it, else E015_HYBRID_KEY. The signature is checked first: it is the cheaper half. */
export function verifyHybridKey({ identityKey, hybridPublicKey, signature }: UploadedHybridKey): HybridPublicKey {
  const parts = [identityKey, hybridPublicKey];
  if (!verifySignature({ identityKey, label: labels.hybridKey, parts, signature })) {
    throw new QpqError("E015_HYBRID_KEY", { text: "the hybrid public key is not signed by the identity asked for" });
  }
  return parseHybridPublicKey(hybridPublicKey);
}
