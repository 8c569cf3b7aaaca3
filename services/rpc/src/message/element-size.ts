/** Element sizes of lists as they stand in the low three bits of a list pointer's upper half, and the primitive kinds. */

export const elementSizes = {
  void: 0,
  bit: 1,
  byte: 2,
  twoBytes: 3,
  fourBytes: 4,
  eightBytes: 5,
  pointer: 6,
  composite: 7,
} as const;
export type ElementSize = (typeof elementSizes)[keyof typeof elementSizes];

/** Bits of one element by element size; of a composite list the header counts words. */
export const elementBits: readonly number[] = [0, 1, 8, 16, 32, 64, 64, 64];

/** What a primitive list may hold. An enum's list is one of `uint16`. */
export type PrimitiveKind = keyof typeof primitiveSizes;

export const primitiveSizes = {
  void: elementSizes.void,
  bool: elementSizes.bit,
  int8: elementSizes.byte,
  uint8: elementSizes.byte,
  int16: elementSizes.twoBytes,
  uint16: elementSizes.twoBytes,
  int32: elementSizes.fourBytes,
  uint32: elementSizes.fourBytes,
  float32: elementSizes.fourBytes,
  int64: elementSizes.eightBytes,
  uint64: elementSizes.eightBytes,
  float64: elementSizes.eightBytes,
} as const;

/** The TypeScript type of an element. */
export type PrimitiveOf<K extends PrimitiveKind> = K extends "void"
  ? undefined
  : K extends "bool"
    ? boolean
    : K extends "int64" | "uint64"
      ? bigint
      : number;
