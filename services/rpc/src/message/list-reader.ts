/**
 * Lists of an incoming message: elements are read when asked for, nothing is copied when a list is opened.
 *
 * A list whose elements grew into structs after a peer was built is read by that peer through the first field, and a list
 * of plain values is read as structs with that one field (Cap'n Proto's rules for changed schemas).
 */
import type { Arena, ReaderConstructor } from "./arena.ts";
import { elementBits, type PrimitiveKind, type PrimitiveOf, primitiveSizes } from "./element-size.ts";
import type { ListHead } from "./list-head.ts";
import { MessageError } from "./message-error.ts";
import { float32At, float64At, int32At, isBitSet, uint16At, uint64At } from "./numbers.ts";

export interface ListReader<T> extends Iterable<T> {
  readonly length: number;
  /** Throws RangeError outside 0 .. length - 1: an index is the program's own, not the peer's. */
  get(index: number): T;
}

export class StructListReader<R> implements ListReader<R> {
  readonly length: number;
  readonly #arena: Arena;
  readonly #head: ListHead;
  readonly #Reader: ReaderConstructor<R>;

  constructor(arena: Arena, head: ListHead, Reader: ReaderConstructor<R>) {
    if (head.isBits) throw new MessageError("badList", "a list of bits cannot be read as structs");
    this.length = head.length;
    this.#arena = arena;
    this.#head = head;
    this.#Reader = Reader;
  }

  get(index: number): R {
    checkIndex(index, this.length);
    const { at, stepBytes, dataBytes, pointerCount } = this.#head;
    return new this.#Reader(this.#arena, at + index * stepBytes, dataBytes, pointerCount);
  }

  [Symbol.iterator](): Iterator<R> {
    return elementsOf(this);
  }
}

/** Data, text, capabilities, lists, any pointers: `read` is given the position of each element's pointer. */
export class PointerListReader<T> implements ListReader<T> {
  readonly length: number;
  readonly #arena: Arena;
  readonly #head: ListHead;
  readonly #read: (arena: Arena, pointerAt: number) => T;

  constructor(arena: Arena, head: ListHead, read: (arena: Arena, pointerAt: number) => T) {
    if (head.pointerCount === 0 && head.length > 0)
      throw new MessageError("badList", "a list of pointers was expected");
    this.length = head.length;
    this.#arena = arena;
    this.#head = head;
    this.#read = read;
  }

  get(index: number): T {
    checkIndex(index, this.length);
    const { at, stepBytes, dataBytes } = this.#head;
    return this.#read(this.#arena, at + index * stepBytes + dataBytes);
  }

  [Symbol.iterator](): Iterator<T> {
    return elementsOf(this);
  }
}

export class PrimitiveListReader<K extends PrimitiveKind> implements ListReader<PrimitiveOf<K>> {
  readonly length: number;
  readonly #bytes: Uint8Array;
  readonly #at: number;
  readonly #stepBytes: number;
  readonly #kind: K;

  constructor(arena: Arena, head: ListHead, kind: K) {
    const bits = elementBits[primitiveSizes[kind]] as number;
    if (head.length > 0 && (kind === "bool") !== head.isBits) throw new MessageError("badList", `${kind} was expected`);
    if (head.length > 0 && bits > 8 * head.dataBytes && !head.isBits) {
      throw new MessageError("badList", `the list's elements are too small for ${kind}`);
    }
    this.length = head.length;
    this.#bytes = arena.bytes;
    this.#at = head.at;
    this.#stepBytes = head.stepBytes;
    this.#kind = kind;
  }

  get(index: number): PrimitiveOf<K> {
    checkIndex(index, this.length);
    const at = this.#at + index * this.#stepBytes;
    return this.#read(at, index) as PrimitiveOf<K>;
  }

  #read(at: number, index: number): number | bigint | boolean | undefined {
    const bytes = this.#bytes;
    const kind: PrimitiveKind = this.#kind;
    switch (kind) {
      case "void":
        return undefined;
      case "bool":
        return isBitSet(bytes, at + (index >>> 3), index & 7);
      case "int8":
        return ((bytes[at] as number) << 24) >> 24;
      case "uint8":
        return bytes[at];
      case "int16":
        return (uint16At(bytes, at) << 16) >> 16;
      case "uint16":
        return uint16At(bytes, at);
      case "int32":
        return int32At(bytes, at);
      case "uint32":
        return int32At(bytes, at) >>> 0;
      case "float32":
        return float32At(bytes, at);
      case "int64":
        return BigInt.asIntN(64, uint64At(bytes, at));
      case "uint64":
        return uint64At(bytes, at);
      case "float64":
        return float64At(bytes, at);
    }
  }

  [Symbol.iterator](): Iterator<PrimitiveOf<K>> {
    return elementsOf(this);
  }
}

export function checkIndex(index: number, length: number): void {
  if (!(index >= 0 && index < length)) throw new RangeError(`index ${index} of a list of ${length}`);
}

function* elementsOf<T>(list: ListReader<T>): Generator<T, void, undefined> {
  for (let index = 0; index < list.length; index++) yield list.get(index);
}
