/**
 * An account's Ed25519 key pair. Its raw public key is the account, the inbox address and the MLS credential at once,
 * so each other use signs under a label of its own: a signature made for one purpose proves nothing for another.
 * It holds the private key and never prints it.
 */
import { primitives } from "#primitives";
import { type IdentityKey, type labels, parseIdentityKey, sizes } from "quicproquo-proto";
import type { SigningKey } from "./primitives.ts";
import { inspectSymbol, secretText } from "./secret.ts";

/** One of the contract's domain-separation labels. */
export type Label = (typeof labels)[keyof typeof labels];

export const identitySeedBytes = 32;

export class Identity {
  readonly identityKey: IdentityKey;
  readonly #key: SigningKey;

  private constructor(key: SigningKey) {
    this.#key = key;
    this.identityKey = parseIdentityKey(key.publicKey);
  }

  /** The same 32-byte seed gives the same identity; the caller wipes the seed. */
  static fromSeed(seed: Uint8Array): Identity {
    return new Identity(primitives.signingKey(seed));
  }

  /** A new identity from the operating system's randomness. */
  static generate(): Identity {
    const seed = primitives.randomBytes(identitySeedBytes);
    try {
      return Identity.fromSeed(seed);
    } finally {
      seed.fill(0);
    }
  }

  /** Ed25519 over `label || 0 || parts...`, 64 bytes. Parts carry no lengths: all but one must have fixed sizes. */
  sign(label: Label, ...parts: readonly Uint8Array[]): Uint8Array {
    return this.#key.sign(signedBytes(label, parts));
  }

  /**
   * Ed25519 over content that MLS has labelled (RFC 9420 section 5.1.2). It begins with the length of "MLS 1.0 ...", a byte
   * below 64, and each label of ours with `q` (113): neither kind of signature can be taken for the other.
   */
  signMls(labelledContent: Uint8Array): Uint8Array {
    return this.#key.sign(labelledContent);
  }

  /** For the state file; the caller wipes it. */
  exportSeed(): Uint8Array {
    return this.#key.exportSeed();
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

export type SignatureCheck = {
  readonly identityKey: IdentityKey;
  readonly label: Label;
  readonly parts: readonly Uint8Array[];
  readonly signature: Uint8Array;
};

/**
 * True when `identityKey` signed exactly these parts under this label. A signature of any other length is false. Low-order
 * identity keys, under which anybody can sign, are not looked for: they harm only whoever chose one.
 */
export function verifySignature({ identityKey, label, parts, signature }: SignatureCheck): boolean {
  if (signature.length !== sizes.signature) return false;
  return primitives.verify(identityKey, signedBytes(label, parts), signature);
}

/** `label || 0 || parts...`. No label has a zero byte, so none can be read as a prefix of another. */
export function signedBytes(label: Label, parts: readonly Uint8Array[]): Uint8Array {
  const head = new TextEncoder().encode(`${label}\0`);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, head.length));
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
