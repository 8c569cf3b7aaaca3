/** Messages written word by word, for what no honest builder makes. */

/** A frame of segments given as 64-bit words. */
export function frameOf(...segments: readonly (readonly bigint[])[]): Uint8Array {
  const headerBytes = (4 + 4 * segments.length + 7) & ~7;
  const words = segments.flat();
  const view = new DataView(new ArrayBuffer(headerBytes + words.length * 8));
  view.setUint32(0, segments.length - 1, true);
  segments.forEach((segment, index) => view.setUint32(4 + 4 * index, segment.length, true));
  words.forEach((word, index) => view.setBigUint64(headerBytes + index * 8, BigInt.asUintN(64, word), true));
  return new Uint8Array(view.buffer);
}

/** `offset` in words from the end of the pointer. */
export function structPointer(offset: number, dataWords: number, pointerWords: number): bigint {
  return word(offset << 2, dataWords | (pointerWords << 16));
}

/** `size`: 0 void, 1 bit, 2 byte, 3-5 two, four, eight bytes, 6 pointer, 7 composite (count = words without the tag). */
export function listPointer(offset: number, size: number, count: number): bigint {
  return word((offset << 2) | 1, (count << 3) | size);
}

/** The tag before the elements of a composite list. */
export function listTag(count: number, dataWords: number, pointerWords: number): bigint {
  return structPointer(count, dataWords, pointerWords);
}

export function farPointer(segment: number, padOffset: number, isDouble = false): bigint {
  return word((padOffset << 3) | (isDouble ? 4 : 0) | 2, segment);
}

export function capabilityPointer(index: number): bigint {
  return word(3, index);
}

function word(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
