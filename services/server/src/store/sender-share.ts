/** The part of an inbox that one sender may fill, so that the others still reach its reader. */
import { hash } from "node:crypto";
import { sizes } from "quicproquo-proto";

const tagBytes = 8;
/** By the sender's own bytes, which a session keeps: a hash costs as much as the rest of packing a message. */
const tags = new WeakMap<Uint8Array, Uint8Array>();

export function isRefused(tag: Uint8Array): boolean {
  return tag.length === tagBytes && tag.every((byte) => byte === 0);
}

/** A quarter of the depth, in messages; at least one. */
export function senderShareOf(queueDepthMax: number): number {
  return Math.max(1, Math.floor(queueDepthMax / 4));
}

/**
 * What a message row keeps of its sender: the first 8 bytes of SHA-256 of its 32. A tag is its own tag, so that it
 * survives the way through several processes.
 */
export function senderTagOf(sender: Uint8Array): Uint8Array {
  if (sender.length !== sizes.identityKey) return sender;
  const known = tags.get(sender);
  if (known !== undefined) return known;
  const tag = new Uint8Array(hash("sha256", sender, "buffer").subarray(0, tagBytes));
  tags.set(sender, tag);
  return tag;
}
