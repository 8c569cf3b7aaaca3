/**
 * The password form of the client state: `QPCE | salt 16 | nonce 12 | ChaCha20-Poly1305 ciphertext + tag 16`, key =
 * Argon2id of the password's UTF-8 bytes, AAD = the magic. Salt and nonce are new at every encryption. A wrong password
 * and an altered file cannot be told apart.
 */
import { primitives } from "#primitives";
import { QpqError } from "quicproquo-proto";
import { startsWith } from "./client-state.ts";

const magic = new TextEncoder().encode("QPCE");
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const nonceAt = magic.length + saltBytes;
const bodyAt = nonceAt + nonceBytes;
/** OWASP's least for Argon2id; 29 ms. They are part of the form: another set needs another magic. */
const argon2idCost = { memoryKib: 19_456, passes: 2, parallelism: 1, keyBytes: 32 } as const;

/** Longer than any that a person types; it bounds what a caller can make the key derivation read. */
export const passwordBytesMax = 1024;

/** Throws E044_STATE_FILE for an empty or too long password. */
export async function encryptState(plaintext: Uint8Array, password: string): Promise<Uint8Array> {
  const sealed = new Uint8Array(bodyAt + plaintext.length + tagBytes);
  sealed.set(magic, 0);
  sealed.set(primitives.randomBytes(saltBytes + nonceBytes), magic.length);
  const key = await passwordKey(password, sealed.subarray(magic.length, nonceAt));
  const nonce = sealed.subarray(nonceAt, bodyAt);
  sealed.set(primitives.seal({ key, nonce, aad: magic }, plaintext), bodyAt);
  key.fill(0);
  return sealed;
}

/** Throws E045_WRONG_PASSWORD when it does not open, E044_STATE_FILE when it is not this form. */
export async function decryptState(sealed: Uint8Array, password: string): Promise<Uint8Array> {
  if (!isEncryptedState(sealed) || sealed.length < bodyAt + tagBytes) {
    throw new QpqError("E044_STATE_FILE", { text: "the client state file is cut short" });
  }
  const key = await passwordKey(password, sealed.subarray(magic.length, nonceAt));
  const nonce = sealed.subarray(nonceAt, bodyAt);
  const plaintext = primitives.open({ key, nonce, aad: magic }, sealed.subarray(bodyAt));
  key.fill(0);
  if (plaintext === undefined) throw new QpqError("E045_WRONG_PASSWORD");
  return plaintext;
}

export function isEncryptedState(bytes: Uint8Array): boolean {
  return startsWith(bytes, magic);
}

async function passwordKey(text: string, salt: Uint8Array): Promise<Uint8Array> {
  const password = new TextEncoder().encode(text);
  if (password.length === 0 || password.length > passwordBytesMax) {
    throw new QpqError("E044_STATE_FILE", { text: `a password must have 1 to ${passwordBytesMax} bytes` });
  }
  const key = await primitives.argon2id({ password, salt, ...argon2idCost });
  password.fill(0);
  return key;
}
