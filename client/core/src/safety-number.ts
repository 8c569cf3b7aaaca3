/**
 * Digits that two people read to each other, to know that the keys they have are each other's and nobody stands in
 * between: the same on both sides, and different for every pair of keys.
 */
import { primitives } from "#primitives";
import { type IdentityKey, labels } from "quicproquo-proto";

const groups = 12;
// 5 bytes a group: 2^40 is so far above 100,000 that the remainder is even to 1 in 10 million
const groupBytes = 5;

/** Twelve groups of five digits, 199 bits: nobody makes a second pair that matches. Either order of the keys gives the same. */
export function safetyNumber(one: IdentityKey, other: IdentityKey): string {
  const [first, second] = isBefore(one, other) ? [one, other] : [other, one];
  const label = new TextEncoder().encode(`${labels.safetyNumber}\0`);
  const digest = new Uint8Array(64);
  for (const half of [0, 1]) digest.set(primitives.sha256(label, first, second, Uint8Array.of(half)), half * 32);
  const view = new DataView(digest.buffer);
  return Array.from({ length: groups }, (_, group) => {
    const at = group * groupBytes;
    const value = view.getUint8(at) * 2 ** 32 + view.getUint32(at + 1);
    return String(value % 100_000).padStart(5, "0");
  }).join(" ");
}

function isBefore(one: Uint8Array, other: Uint8Array): boolean {
  const at = one.findIndex((byte, i) => byte !== other[i]);
  return at === -1 || (one[at] as number) < (other[at] as number);
}
