/** HKDF-SHA256 (RFC 5869) in its two halves, on node:crypto and without waiting: MLS and HPKE need them apart. */
import { createHmac } from "node:crypto";

export const hashBytes = 32;
const zeroSalt = new Uint8Array(hashBytes);

export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

export function hkdfExtract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
  return hmacSha256(salt.length === 0 ? zeroSalt : salt, inputKey);
}

export function hkdfExpand(key: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
  // RFC 5869 ends at 255 blocks; nothing here asks for more than 2.
  if (bytes > 255 * hashBytes) throw new TypeError(`HKDF cannot expand to ${bytes} bytes`);
  if (bytes <= hashBytes) return hmacSha256(key, info, Uint8Array.of(1)).subarray(0, bytes);
  const expanded = new Uint8Array(bytes);
  let block = new Uint8Array(0);
  for (let at = 0, counter = 1; at < bytes; at += hashBytes, counter++) {
    block = new Uint8Array(hmacSha256(key, block, info, Uint8Array.of(counter)));
    expanded.set(block.subarray(0, Math.min(hashBytes, bytes - at)), at);
  }
  return expanded;
}
