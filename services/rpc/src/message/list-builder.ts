/** Lists of an outgoing message. Their length is fixed when they are made; elements not set stay zero or empty. */
import type { BuilderArena, BuilderConstructor } from "./builder-arena.ts";
import { elementBits, type PrimitiveKind, type PrimitiveOf, primitiveSizes } from "./element-size.ts";
import { checkIndex } from "./list-reader.ts";
import { writeBit, writeFloat32, writeFloat64, writeUint16, writeUint32, writeUint64 } from "./numbers.ts";
import type { StructType } from "./struct-type.ts";

export class StructListBuilder<B> {
  readonly length: number;
  readonly #arena: BuilderArena;
  readonly #at: number;
  readonly #dataBytes: number;
  readonly #pointerCount: number;
  readonly #Builder: BuilderConstructor<B>;

  constructor(arena: BuilderArena, pointerAt: number, options: { count: number; type: StructType<unknown, B> }) {
    const { count, type } = options;
    this.length = count;
    this.#arena = arena;
    this.#at = arena.allocateStructList(pointerAt, count, type);
    this.#dataBytes = type.dataWords * 8;
    this.#pointerCount = type.pointerWords;
    this.#Builder = type.Builder;
  }

  get(index: number): B {
    checkIndex(index, this.length);
    const at = this.#at + index * (this.#dataBytes + this.#pointerCount * 8);
    return new this.#Builder(this.#arena, at, this.#dataBytes, this.#pointerCount);
  }
}

/** Data, text or capabilities: `write` is given the position of each element's pointer. */
export class PointerListBuilder<T> {
  readonly length: number;
  readonly #arena: BuilderArena;
  readonly #at: number;
  readonly #write: (arena: BuilderArena, pointerAt: number, value: T) => void;

  constructor(arena: BuilderArena, list: ListPlace, write: (arena: BuilderArena, pointerAt: number, value: T) => void) {
    this.length = list.length;
    this.#arena = arena;
    this.#at = list.at;
    this.#write = write;
  }

  set(index: number, value: T): void {
    checkIndex(index, this.length);
    this.#write(this.#arena, this.#at + index * 8, value);
  }
}

/** Where a list made by BuilderArena lies. */
export type ListPlace = { readonly at: number; readonly length: number };

export class PrimitiveListBuilder<K extends PrimitiveKind> {
  readonly length: number;
  readonly #arena: BuilderArena;
  readonly #at: number;
  readonly #kind: K;

  constructor(arena: BuilderArena, list: ListPlace, kind: K) {
    this.length = list.length;
    this.#arena = arena;
    this.#at = list.at;
    this.#kind = kind;
  }

  /** Numbers beyond the kind's range are cut to its width, as typed arrays do. */
  set(index: number, value: PrimitiveOf<K>): void {
    checkIndex(index, this.length);
    const bits = elementBits[primitiveSizes[this.#kind]] as number;
    this.#write(this.#at + index * (bits >> 3), index, value);
  }

  #write(at: number, index: number, value: number | bigint | boolean | undefined): void {
    const { bytes } = this.#arena;
    const kind: PrimitiveKind = this.#kind;
    switch (kind) {
      case "void":
        return;
      case "bool":
        return writeBit(bytes, { at: at + (index >>> 3), bit: index & 7 }, value as boolean);
      case "int8":
      case "uint8":
        bytes[at] = value as number;
        return;
      case "int16":
      case "uint16":
        return writeUint16(bytes, at, value as number);
      case "int32":
      case "uint32":
        return writeUint32(bytes, at, value as number);
      case "float32":
        return writeFloat32(bytes, at, value as number);
      case "int64":
      case "uint64":
        return writeUint64(bytes, at, value as bigint);
      case "float64":
        return writeFloat64(bytes, at, value as number);
    }
  }
}
