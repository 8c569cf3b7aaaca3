/**
 * How long a message would be in Cap'n Proto's packing (encoding specification, "Packing"), which quicproquo does not use:
 * payloads are ciphertext, and what is left to pack is a few words. Counts as the C++ reference implementation packs.
 */

/** Of a whole number of words, e.g. a frame. */
export function packedBytesOf(message: Uint8Array): number {
  let packed = 0;
  for (let at = 0; at < message.length; ) {
    const nonZero = nonZeroIn(message, at);
    packed += 1 + nonZero;
    at += 8;
    // behind a word of zeros, and behind one without any, a byte says how many more follow
    if (nonZero !== 0 && nonZero !== 8) continue;
    packed += 1;
    for (let more = 0; more < 255 && at < message.length; more++) {
      const next = nonZeroIn(message, at);
      if (nonZero === 0 ? next !== 0 : next < 7) break;
      if (nonZero === 8) packed += 8;
      at += 8;
    }
  }
  return packed;
}

function nonZeroIn(message: Uint8Array, at: number): number {
  let count = 0;
  for (let i = at; i < at + 8; i++) if (message[i] !== 0) count++;
  return count;
}
