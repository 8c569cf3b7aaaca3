/**
 * Retry tokens (RFC 9000 section 8.1.2): proof that a client receives at the address it sends from, without state here.
 *
 * `kind 1 | time 6 | MAC 16 | original destination id`. The MAC covers the client's address and port and the id the
 * client must come back with, so a token is of no use from elsewhere, for another connection, or after its life.
 * Within its life it can be presented again from the same address: the cap of connections an address bounds that.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { HostPort } from "./native.ts";

/** First byte of ours. Another first byte is not a Retry token (a NEW_TOKEN of some other server): as good as none. */
const kind = 0x52;
const timeAt = 1;
const macAt = 7;
const macBytes = 16;
const idAt = macAt + macBytes;
const idBytesMax = 20;

export type RetryClaim = {
  readonly peer: HostPort;
  /** The id our Retry told the client to use: the destination id of the Initial that carries the token. */
  readonly retryId: Uint8Array;
  readonly nowMs: number;
};

export function mintRetryToken(key: Uint8Array, originalId: Uint8Array, claim: RetryClaim): Buffer {
  const token = Buffer.alloc(idAt + originalId.length);
  token[0] = kind;
  token.writeUIntBE(claim.nowMs, timeAt, 6);
  token.set(originalId, idAt);
  token.set(macOf(key, token, claim), macAt);
  return token;
}

export function isRetryToken(token: Uint8Array): boolean {
  return token[0] === kind;
}

/** The original destination id; undefined when the token is not ours, not this client's, or too old. */
export function openRetryToken(
  key: Uint8Array,
  token: Uint8Array,
  claim: RetryClaim & { readonly lifeMs: number },
): Buffer | undefined {
  if (token.length <= idAt || token.length > idAt + idBytesMax || token[0] !== kind) return undefined;
  const bytes = Buffer.from(token);
  const mac = bytes.subarray(macAt, idAt);
  if (!timingSafeEqual(mac, macOf(key, bytes, claim))) return undefined;
  const ageMs = claim.nowMs - bytes.readUIntBE(timeAt, 6);
  // A little before now is possible: siblings share the key, not the clock.
  if (ageMs > claim.lifeMs || ageMs < -claim.lifeMs) return undefined;
  return bytes.subarray(idAt);
}

function macOf(key: Uint8Array, token: Buffer, claim: RetryClaim): Buffer {
  return createHmac("sha256", key)
    .update(token.subarray(0, macAt))
    .update(lengthPrefixed(token.subarray(idAt)))
    .update(lengthPrefixed(claim.retryId))
    .update(`${claim.peer.host}|${claim.peer.port}`)
    .digest()
    .subarray(0, macBytes);
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out[0] = bytes.length;
  out.set(bytes, 1);
  return out;
}
