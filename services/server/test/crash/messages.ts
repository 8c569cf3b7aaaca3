/** The messages of a crash trial: each is known by its number alone, so that two processes agree on them. */
import { createHash } from "node:crypto";
import { type InboxKey, parseIdentityKey } from "quicproquo-proto";
import type { Append } from "../../src/store/port.ts";

export const inboxCount = 24;

/** Whose KeyPackages a trial takes. */
export const takenFrom = parseIdentityKey(new Uint8Array(32).fill(7));

export function inboxNumber(number: number): InboxKey {
  return createHash("sha256").update(`inbox ${number}`).digest("latin1") as InboxKey;
}

/** Message `number` goes to inbox `number % inboxCount`, and is 8 bytes to about 2 KiB of bytes of its own. */
export function messageNumber(number: number): Append {
  const digest = createHash("sha256").update(`message ${number}`).digest();
  const payload = new Uint8Array(8 + (digest.readUInt16LE(0) % 2_048)).fill(digest[2] ?? 0);
  new DataView(payload.buffer).setFloat64(0, number, true);
  return {
    inbox: inboxNumber(number % inboxCount),
    payload,
    messageId: new Uint8Array(digest).subarray(0, 16),
    expiresAtMs: Date.now() + 3_600_000,
  };
}

export function numberOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true);
}
