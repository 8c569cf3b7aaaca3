/**
 * The hybrid KEM envelope: one payload, sealed for one hybrid public key by whoever knows it.
 *
 * `0x01 | X25519 ephemeral key 32 | ML-KEM-768 ciphertext 1088 | nonce 12 | ChaCha20-Poly1305 ciphertext + tag 16`
 *
 * The key comes from both shared secrets and is bound to both public values and to the recipient's whole public key;
 * the first 1121 bytes are authenticated as they stand. An envelope does not say who sealed it: senders are
 * authenticated by what is inside (MLS).
 */
import { primitives } from "#primitives";
import { labels, limits, QpqError } from "quicproquo-proto";
import { type HybridKeyPair, type HybridPublicKey, hybridPublicKeyParts } from "./hybrid-key.ts";
import { signedBytes } from "./identity.ts";

const version = 1;
const ephemeralKeyAt = 1;
const kemCiphertextAt = 33;
const nonceAt = 1121;
const bodyAt = 1133;
const aeadTagBytes = 16;
const ephemeralSeedBytes = 32;
const envelopeKeyBytes = 32;

/** What an envelope adds to its payload: 1149 bytes, the least an envelope has. */
export const envelopeOverheadBytes = bodyAt + aeadTagBytes;
/** The largest payload any server can be configured to take; more could be sealed but never sent. */
export const envelopeBytesMax = limits.payloadBytesMax.max;

/** Throws E008_PAYLOAD_TOO_LARGE when the envelope would be over {@link envelopeBytesMax}. */
export function sealEnvelope(recipient: HybridPublicKey, plaintext: Uint8Array): Uint8Array {
  const envelopeBytes = envelopeOverheadBytes + plaintext.length;
  if (envelopeBytes > envelopeBytesMax) {
    throw new QpqError("E008_PAYLOAD_TOO_LARGE", { fields: { bytes: envelopeBytes, bytesMax: envelopeBytesMax } });
  }
  const parts = hybridPublicKeyParts(recipient);
  const ephemeralSeed = primitives.randomBytes(ephemeralSeedBytes);
  const ephemeral = primitives.agreementKey(ephemeralSeed);
  ephemeralSeed.fill(0);
  const agreed = ephemeral.agree(parts.agreement);
  const encapsulated = primitives.encapsulate(parts.kem);
  // parseHybridPublicKey has refused both; only a cast past it comes here.
  if (agreed === undefined || encapsulated === undefined) throw new QpqError("E015_HYBRID_KEY");

  const envelope = new Uint8Array(envelopeBytes);
  envelope[0] = version;
  envelope.set(ephemeral.publicKey, ephemeralKeyAt);
  envelope.set(encapsulated.ciphertext, kemCiphertextAt);
  envelope.set(primitives.randomBytes(bodyAt - nonceAt), nonceAt);
  const key = envelopeKey(envelope, recipient, [agreed, encapsulated.sharedSecret]);
  envelope.set(primitives.seal({ key, ...aeadFieldsOf(envelope) }, plaintext), bodyAt);
  key.fill(0);
  return envelope;
}

/**
 * The payload, or E043_ENVELOPE_REFUSED: one error without detail for an unknown version, a wrong length, an altered
 * byte anywhere, a low-order point and an envelope for somebody else. The time it takes tells only what the sender
 * knows already (version, length, low-order point): from the key derivation on, all refusals take one path.
 */
export function openEnvelope(keyPair: HybridKeyPair, envelope: Uint8Array): Uint8Array {
  if (envelope.length < envelopeOverheadBytes || envelope.length > envelopeBytesMax || envelope[0] !== version) {
    throw refused();
  }
  const agreed = keyPair.agree(envelope.subarray(ephemeralKeyAt, kemCiphertextAt));
  if (agreed === undefined) throw refused();
  const decapsulated = keyPair.decapsulate(envelope.subarray(kemCiphertextAt, nonceAt));
  const key = envelopeKey(envelope, keyPair.publicKey, [agreed, decapsulated]);
  const plaintext = primitives.open({ key, ...aeadFieldsOf(envelope) }, envelope.subarray(bodyAt));
  key.fill(0);
  if (plaintext === undefined) throw refused();
  return plaintext;
}

function refused(): QpqError {
  return new QpqError("E043_ENVELOPE_REFUSED");
}

function aeadFieldsOf(envelope: Uint8Array): { readonly nonce: Uint8Array; readonly aad: Uint8Array } {
  return { nonce: envelope.subarray(nonceAt, bodyAt), aad: envelope.subarray(0, nonceAt) };
}

/**
 * HKDF-SHA256 of X25519 shared || ML-KEM shared, no salt, info = label || 0 || SHA-256(ephemeral key || ML-KEM
 * ciphertext || recipient's public key). X25519 ignores the top bit of a public key and does not bind it, so the hash
 * does. Wipes the two secrets.
 */
function envelopeKey(
  envelope: Uint8Array,
  recipient: HybridPublicKey,
  secrets: readonly [agreed: Uint8Array, decapsulated: Uint8Array],
): Uint8Array {
  const [agreed, decapsulated] = secrets;
  const inputKey = new Uint8Array(agreed.length + decapsulated.length);
  inputKey.set(agreed, 0);
  inputKey.set(decapsulated, agreed.length);
  const binding = primitives.sha256(envelope.subarray(ephemeralKeyAt, nonceAt), recipient);
  const info = signedBytes(labels.hybridKem, [binding]);
  const key = primitives.hkdfSha256({ inputKey, salt: new Uint8Array(0), info, keyBytes: envelopeKeyBytes });
  inputKey.fill(0);
  agreed.fill(0);
  decapsulated.fill(0);
  return key;
}
