/** Keys as people type them. */
import { type IdentityKey, parseIdentityKey, QpqError } from "quicproquo-proto";

/** 64 hex digits, as `qpq whoami` prints them. E007_KEY_LENGTH. */
export function parseKey(text: string): IdentityKey {
  if (!isKey(text)) {
    throw new QpqError("E007_KEY_LENGTH", { text: "KEY is 64 hex digits: the peer's `qpq whoami` prints it" });
  }
  return parseIdentityKey(new Uint8Array(Buffer.from(text, "hex")));
}

export function isKey(text: string): boolean {
  return /^[0-9a-fA-F]{64}$/.test(text);
}
