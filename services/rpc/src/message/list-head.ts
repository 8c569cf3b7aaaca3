/** The shape of one list of a validated message: where its elements lie and what each has. */
import { type Arena, pointerKinds } from "./arena.ts";
import { elementBits, elementSizes } from "./element-size.ts";
import { MessageError } from "./message-error.ts";
import { int32At } from "./numbers.ts";

export type ListHead = {
  /** Position of element 0. */
  readonly at: number;
  readonly length: number;
  /** From one element to the next; 0 in lists of bits, which nothing but a list of bits is read from. */
  readonly stepBytes: number;
  /** Of the data section of one element; the pointers stand behind it. */
  readonly dataBytes: number;
  readonly pointerCount: number;
  readonly isBits: boolean;
};

const emptyList: ListHead = { at: 0, length: 0, stepBytes: 0, dataBytes: 0, pointerCount: 0, isBits: false };

/** Null reads as the empty list. */
export function readListHead(arena: Arena, pointerAt: number): ListHead {
  const kind = arena.locate(pointerAt);
  if (kind === pointerKinds.none) return emptyList;
  if (kind !== pointerKinds.list) throw new MessageError("badPointer", "a list was expected");
  const { at, high } = arena;
  const size = high & 7;
  if (size === elementSizes.composite) return compositeHead(arena, at);
  const stepBytes = (elementBits[size] as number) >> 3;
  const isPointers = size === elementSizes.pointer;
  return {
    at,
    length: high >>> 3,
    stepBytes,
    dataBytes: isPointers ? 0 : stepBytes,
    pointerCount: isPointers ? 1 : 0,
    isBits: size === elementSizes.bit,
  };
}

function compositeHead(arena: Arena, at: number): ListHead {
  const shape = int32At(arena.bytes, at + 4);
  const dataBytes = (shape & 0xffff) * 8;
  const pointerCount = shape >>> 16;
  return {
    at: at + 8,
    length: int32At(arena.bytes, at) >>> 2,
    stepBytes: dataBytes + pointerCount * 8,
    dataBytes,
    pointerCount,
    isBits: false,
  };
}
