/** What a key has signed: Ed25519 (RFC 8032) over label || 0 || parts, each use under a label of its own. */
import { createPublicKey, verify } from "node:crypto";
import { type IdentityKey, type labels, sizes } from "quicproquo-proto";

type Signed = {
  readonly label: (typeof labels)[keyof typeof labels];
  readonly parts: readonly Uint8Array[];
  readonly signature: Uint8Array;
};

/**
 * The key of 32 zero bytes has signed nothing: it is what the static token sends as, and of low order, so that anybody could
 * sign for it.
 */
export function hasSigned(key: IdentityKey, { label, parts, signature }: Signed): boolean {
  if (signature.length !== sizes.signature || isNobody(key)) return false;
  const publicKey = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(key).toString("base64url") },
    format: "jwk",
  });
  return verify(null, Buffer.concat([Buffer.from(`${label}\0`), ...parts]), publicKey, signature);
}

/** 32 zero bytes. */
export function isNobody(key: Uint8Array): boolean {
  return key.every((byte) => byte === 0);
}
