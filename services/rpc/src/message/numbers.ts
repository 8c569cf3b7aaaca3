/**
 * Little-endian numbers in bytes: where each stands is the caller's business, and that it is inside. Not by a DataView of
 * the message: making one costs 85 ns, more than all the reads and writes of a small message together.
 */

export function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** Signed; `>>> 0` makes it unsigned. */
export function int32At(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

export function uint64At(bytes: Uint8Array, at: number): bigint {
  fillScratch(bytes, at);
  return scratch.getBigUint64(0, true);
}

export function float32At(bytes: Uint8Array, at: number): number {
  scratch.setInt32(0, int32At(bytes, at), true);
  return scratch.getFloat32(0, true);
}

export function float64At(bytes: Uint8Array, at: number): number {
  fillScratch(bytes, at);
  return scratch.getFloat64(0, true);
}

/** Signed or not: the same bits. What does not fit is cut to the width, as typed arrays do; so in all of these. */
export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function writeUint64(bytes: Uint8Array, at: number, value: bigint): void {
  scratch.setBigUint64(0, value, true);
  writeScratch(bytes, at);
}

export function writeFloat32(bytes: Uint8Array, at: number, value: number): void {
  scratch.setFloat32(0, value, true);
  writeUint32(bytes, at, scratch.getInt32(0, true));
}

export function writeFloat64(bytes: Uint8Array, at: number, value: number): void {
  scratch.setFloat64(0, value, true);
  writeScratch(bytes, at);
}

/** `bit` from 0, the lowest, to 7. */
export function isBitSet(bytes: Uint8Array, at: number, bit: number): boolean {
  return (((bytes[at] as number) >> bit) & 1) !== 0;
}

export function writeBit(
  bytes: Uint8Array,
  place: { readonly at: number; readonly bit: number },
  value: boolean,
): void {
  const byte = bytes[place.at] as number;
  bytes[place.at] = value ? byte | (1 << place.bit) : byte & ~(1 << place.bit);
}

/** Eight bytes on their way between halves and what only a DataView converts. */
const scratch = new DataView(new ArrayBuffer(8));

function fillScratch(bytes: Uint8Array, at: number): void {
  scratch.setInt32(0, int32At(bytes, at), true);
  scratch.setInt32(4, int32At(bytes, at + 4), true);
}

function writeScratch(bytes: Uint8Array, at: number): void {
  writeUint32(bytes, at, scratch.getInt32(0, true));
  writeUint32(bytes, at + 4, scratch.getInt32(4, true));
}
