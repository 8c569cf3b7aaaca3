/**
 * Structs and pointers of an outgoing message, written in place. Setting a pointer field again leaves the earlier value's
 * bytes in the message, unreachable. Both classes stand in one file because each makes the other.
 */
import type { BuilderArena } from "./builder-arena.ts";
import { copyPointer } from "./copy-pointer.ts";
import { elementSizes, type PrimitiveKind, primitiveSizes } from "./element-size.ts";
import { PointerListBuilder, PrimitiveListBuilder, StructListBuilder } from "./list-builder.ts";
import { checkIndex } from "./list-reader.ts";
import { writeBit, writeFloat32, writeFloat64, writeUint16, writeUint32, writeUint64 } from "./numbers.ts";
import type { PointerReader } from "./struct-reader.ts";
import type { StructType } from "./struct-type.ts";

/** Offsets are those of the schema compiler; one outside the struct is a bug of the caller and throws RangeError. */
export class StructBuilder {
  readonly #arena: BuilderArena;
  readonly #at: number;
  readonly #dataBytes: number;
  readonly #pointerCount: number;

  constructor(arena: BuilderArena, at: number, dataBytes: number, pointerCount: number) {
    this.#arena = arena;
    this.#at = at;
    this.#dataBytes = dataBytes;
    this.#pointerCount = pointerCount;
  }

  setBool(bitOffset: number, value: boolean): void {
    writeBit(this.#arena.bytes, { at: this.#dataAt(bitOffset >>> 3, 1), bit: bitOffset & 7 }, value);
  }

  setUint8(byteOffset: number, value: number): void {
    this.#arena.bytes[this.#dataAt(byteOffset, 1)] = value;
  }

  setUint16(byteOffset: number, value: number): void {
    writeUint16(this.#arena.bytes, this.#dataAt(byteOffset, 2), value);
  }

  setUint32(byteOffset: number, value: number): void {
    writeUint32(this.#arena.bytes, this.#dataAt(byteOffset, 4), value);
  }

  setUint64(byteOffset: number, value: bigint): void {
    writeUint64(this.#arena.bytes, this.#dataAt(byteOffset, 8), value);
  }

  setInt8(byteOffset: number, value: number): void {
    this.setUint8(byteOffset, value);
  }

  setInt16(byteOffset: number, value: number): void {
    this.setUint16(byteOffset, value);
  }

  setInt32(byteOffset: number, value: number): void {
    this.setUint32(byteOffset, value);
  }

  setInt64(byteOffset: number, value: bigint): void {
    this.setUint64(byteOffset, value);
  }

  setFloat32(byteOffset: number, value: number): void {
    writeFloat32(this.#arena.bytes, this.#dataAt(byteOffset, 4), value);
  }

  setFloat64(byteOffset: number, value: number): void {
    writeFloat64(this.#arena.bytes, this.#dataAt(byteOffset, 8), value);
  }

  /** Copies the bytes into the message. */
  setData(pointerIndex: number, data: Uint8Array): void {
    this.#arena.writeData(this.#pointerAt(pointerIndex), data);
  }

  setText(pointerIndex: number, text: string): void {
    this.#arena.writeText(this.#pointerAt(pointerIndex), text);
  }

  /** Appends to the message's capTable; undefined makes the field null. */
  setCapability(pointerIndex: number, capability: unknown): void {
    this.#arena.writeCapability(this.#pointerAt(pointerIndex), capability);
  }

  initStruct(pointerIndex: number, dataWords: number, pointerWords: number): StructBuilder {
    const at = this.#arena.allocateStruct(this.#pointerAt(pointerIndex), dataWords, pointerWords);
    return new StructBuilder(this.#arena, at, dataWords * 8, pointerWords);
  }

  initStructAs<B>(pointerIndex: number, type: StructType<unknown, B>): B {
    const at = this.#arena.allocateStruct(this.#pointerAt(pointerIndex), type.dataWords, type.pointerWords);
    return new type.Builder(this.#arena, at, type.dataWords * 8, type.pointerWords);
  }

  initStructList<B>(pointerIndex: number, count: number, type: StructType<unknown, B>): StructListBuilder<B> {
    return this.getPointer(pointerIndex).initStructList(count, type);
  }

  initPrimitiveList<K extends PrimitiveKind>(pointerIndex: number, count: number, kind: K): PrimitiveListBuilder<K> {
    return this.getPointer(pointerIndex).initPrimitiveList(count, kind);
  }

  initDataList(pointerIndex: number, count: number): PointerListBuilder<Uint8Array> {
    return this.getPointer(pointerIndex).initDataList(count);
  }

  initTextList(pointerIndex: number, count: number): PointerListBuilder<string> {
    return this.getPointer(pointerIndex).initTextList(count);
  }

  initCapabilityList(pointerIndex: number, count: number): PointerListBuilder<unknown> {
    return this.getPointer(pointerIndex).initCapabilityList(count);
  }

  /** Lists of lists: each element is a pointer to be filled. */
  initPointerList(pointerIndex: number, count: number): AnyListBuilder {
    return this.getPointer(pointerIndex).initPointerList(count);
  }

  getPointer(pointerIndex: number): PointerBuilder {
    return new PointerBuilder(this.#arena, this.#pointerAt(pointerIndex));
  }

  /** Makes the field null again. */
  clearPointer(pointerIndex: number): void {
    this.#arena.clearPointer(this.#pointerAt(pointerIndex));
  }

  /** The same struct under another type: groups of a schema share the bytes of their struct. */
  as<B>(type: StructType<unknown, B>): B {
    return new type.Builder(this.#arena, this.#at, this.#dataBytes, this.#pointerCount);
  }

  #dataAt(byteOffset: number, bytes: number): number {
    if (!(byteOffset >= 0 && byteOffset + bytes <= this.#dataBytes)) {
      throw new RangeError(`byte ${byteOffset} of a data section of ${this.#dataBytes}`);
    }
    return this.#at + byteOffset;
  }

  #pointerAt(pointerIndex: number): number {
    checkIndex(pointerIndex, this.#pointerCount);
    return this.#at + this.#dataBytes + pointerIndex * 8;
  }
}

/** One pointer of a type the schema leaves open (AnyPointer), or an element of a list of lists. */
export class PointerBuilder {
  readonly #arena: BuilderArena;
  readonly #at: number;

  constructor(arena: BuilderArena, at: number) {
    this.#arena = arena;
    this.#at = at;
  }

  initStruct<B>(type: StructType<unknown, B>): B {
    const at = this.#arena.allocateStruct(this.#at, type.dataWords, type.pointerWords);
    return new type.Builder(this.#arena, at, type.dataWords * 8, type.pointerWords);
  }

  initStructRaw(dataWords: number, pointerWords: number): StructBuilder {
    const at = this.#arena.allocateStruct(this.#at, dataWords, pointerWords);
    return new StructBuilder(this.#arena, at, dataWords * 8, pointerWords);
  }

  initStructList<B>(count: number, type: StructType<unknown, B>): StructListBuilder<B> {
    return new StructListBuilder(this.#arena, this.#at, { count, type });
  }

  initPrimitiveList<K extends PrimitiveKind>(count: number, kind: K): PrimitiveListBuilder<K> {
    const at = this.#arena.allocateList(this.#at, primitiveSizes[kind], count);
    return new PrimitiveListBuilder(this.#arena, { at, length: count }, kind);
  }

  initDataList(count: number): PointerListBuilder<Uint8Array> {
    return new PointerListBuilder<Uint8Array>(this.#arena, this.#pointers(count), writeData);
  }

  initTextList(count: number): PointerListBuilder<string> {
    return new PointerListBuilder<string>(this.#arena, this.#pointers(count), writeText);
  }

  initCapabilityList(count: number): PointerListBuilder<unknown> {
    return new PointerListBuilder<unknown>(this.#arena, this.#pointers(count), writeCapability);
  }

  initPointerList(count: number): AnyListBuilder {
    return new AnyListBuilder(this.#arena, this.#pointers(count).at, count);
  }

  setData(data: Uint8Array): void {
    this.#arena.writeData(this.#at, data);
  }

  setText(text: string): void {
    this.#arena.writeText(this.#at, text);
  }

  setCapability(capability: unknown): void {
    this.#arena.writeCapability(this.#at, capability);
  }

  clear(): void {
    this.#arena.clearPointer(this.#at);
  }

  /** A deep copy; the capabilities it leads to are appended to this message's capTable. */
  copyFrom(source: PointerReader): void {
    copyPointer(source.arena, source.at, { arena: this.#arena, at: this.#at });
  }

  #pointers(count: number): { at: number; length: number } {
    return { at: this.#arena.allocateList(this.#at, elementSizes.pointer, count), length: count };
  }
}

/** A list whose elements are pointers to be filled one by one. */
export class AnyListBuilder {
  readonly length: number;
  readonly #arena: BuilderArena;
  readonly #at: number;

  constructor(arena: BuilderArena, at: number, length: number) {
    this.length = length;
    this.#arena = arena;
    this.#at = at;
  }

  get(index: number): PointerBuilder {
    checkIndex(index, this.length);
    return new PointerBuilder(this.#arena, this.#at + index * 8);
  }
}

function writeData(arena: BuilderArena, pointerAt: number, data: Uint8Array): void {
  arena.writeData(pointerAt, data);
}

function writeText(arena: BuilderArena, pointerAt: number, text: string): void {
  arena.writeText(pointerAt, text);
}

function writeCapability(arena: BuilderArena, pointerAt: number, capability: unknown): void {
  arena.writeCapability(pointerAt, capability);
}
