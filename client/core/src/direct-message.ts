/**
 * A message to one peer outside of any MLS group: text, signed by its sender, sealed in a hybrid envelope.
 *
 *     envelope( version 1 | sender's identity key 32 | signature 64 | UTF-8 text )
 *     signature: Ed25519 over `labels.directMessage || 0 || recipient's identity key || text`
 *
 * The recipient's key is signed along, so a recipient cannot pass the message on as if it had been for another. There is
 * no forward secrecy beyond the ephemeral key of each envelope, and no protection against the server delivering it twice
 * under a new seq: groups (MLS) have both.
 */
import { type IdentityKey, labels, parseIdentityKey, QpqError, sizes } from "quicproquo-proto";
import { openEnvelope, sealEnvelope } from "./hybrid-envelope.ts";
import type { HybridKeyPair, HybridPublicKey } from "./hybrid-key.ts";
import { type Identity, verifySignature } from "./identity.ts";

const version = 1;
const signatureAt = 1 + sizes.identityKey;
const textAt = signatureAt + sizes.signature;

export type DirectMessage = { readonly sender: IdentityKey; readonly text: string };

export type Recipient = { readonly identityKey: IdentityKey; readonly hybridPublicKey: HybridPublicKey };

export function sealDirectMessage(sender: Identity, recipient: Recipient, text: string): Uint8Array {
  const body = new TextEncoder().encode(text);
  const plaintext = new Uint8Array(textAt + body.length);
  plaintext[0] = version;
  plaintext.set(sender.identityKey, 1);
  plaintext.set(sender.sign(labels.directMessage, recipient.identityKey, body), signatureAt);
  plaintext.set(body, textAt);
  return sealEnvelope(recipient.hybridPublicKey, plaintext);
}

/** E043_ENVELOPE_REFUSED for anything that isn't a message of its claimed sender to this recipient; no detail. */
export function openDirectMessage(recipient: Identity, keyPair: HybridKeyPair, envelope: Uint8Array): DirectMessage {
  const plaintext = openEnvelope(keyPair, envelope);
  if (plaintext.length < textAt || plaintext[0] !== version) throw new QpqError("E043_ENVELOPE_REFUSED");
  const identityKey = parseIdentityKey(plaintext.slice(1, signatureAt));
  const body = plaintext.subarray(textAt);
  const genuine = verifySignature({
    identityKey,
    label: labels.directMessage,
    parts: [recipient.identityKey, body],
    signature: plaintext.subarray(signatureAt, textAt),
  });
  if (!genuine) throw new QpqError("E043_ENVELOPE_REFUSED");
  try {
    return { sender: identityKey, text: new TextDecoder("utf-8", { fatal: true }).decode(body) };
  } catch (error) {
    throw new QpqError("E043_ENVELOPE_REFUSED", { cause: error });
  }
}
