/**
 * Structs and pointers of an incoming, validated message. Reading changes nothing and copies nothing but text.
 *
 * What a peer did not send reads as zero or empty: a null struct, a data section or a pointer section shorter than the
 * schema's (peers of an older schema), so no field needs a check for presence. What is there but of another kind throws
 * MessageError. Both classes stand in one file because each makes the other.
 */
import { type Arena, pointerKinds } from "./arena.ts";
import type { PrimitiveKind } from "./element-size.ts";
import { readListHead } from "./list-head.ts";
import { type ListReader, PointerListReader, PrimitiveListReader, StructListReader } from "./list-reader.ts";
import { MessageError } from "./message-error.ts";
import { float32At, float64At, int32At, isBitSet, uint16At, uint64At } from "./numbers.ts";
import { readCapability, readCapabilityIndex, readData, readStruct, readText } from "./read-pointer.ts";
import type { ReaderType } from "./struct-type.ts";

/** Offsets are those of the schema compiler: bytes (for Bool bits) into the data section, index into the pointers. */
export class StructReader {
  readonly #arena: Arena;
  readonly #at: number;
  readonly #dataBytes: number;
  readonly #pointerCount: number;

  constructor(arena: Arena, at: number, dataBytes: number, pointerCount: number) {
    this.#arena = arena;
    this.#at = at;
    this.#dataBytes = dataBytes;
    this.#pointerCount = pointerCount;
  }

  getBool(bitOffset: number): boolean {
    const byteOffset = bitOffset >>> 3;
    return byteOffset < this.#dataBytes && isBitSet(this.#arena.bytes, this.#at + byteOffset, bitOffset & 7);
  }

  getUint8(byteOffset: number): number {
    return byteOffset + 1 > this.#dataBytes ? 0 : (this.#arena.bytes[this.#at + byteOffset] as number);
  }

  getUint16(byteOffset: number): number {
    return byteOffset + 2 > this.#dataBytes ? 0 : uint16At(this.#arena.bytes, this.#at + byteOffset);
  }

  getUint32(byteOffset: number): number {
    return byteOffset + 4 > this.#dataBytes ? 0 : int32At(this.#arena.bytes, this.#at + byteOffset) >>> 0;
  }

  getUint64(byteOffset: number): bigint {
    return byteOffset + 8 > this.#dataBytes ? 0n : uint64At(this.#arena.bytes, this.#at + byteOffset);
  }

  getInt8(byteOffset: number): number {
    return (this.getUint8(byteOffset) << 24) >> 24;
  }

  getInt16(byteOffset: number): number {
    return (this.getUint16(byteOffset) << 16) >> 16;
  }

  getInt32(byteOffset: number): number {
    return byteOffset + 4 > this.#dataBytes ? 0 : int32At(this.#arena.bytes, this.#at + byteOffset);
  }

  getInt64(byteOffset: number): bigint {
    return BigInt.asIntN(64, this.getUint64(byteOffset));
  }

  getFloat32(byteOffset: number): number {
    return byteOffset + 4 > this.#dataBytes ? 0 : float32At(this.#arena.bytes, this.#at + byteOffset);
  }

  getFloat64(byteOffset: number): number {
    return byteOffset + 8 > this.#dataBytes ? 0 : float64At(this.#arena.bytes, this.#at + byteOffset);
  }

  isNull(pointerIndex: number): boolean {
    return this.#arena.locate(this.#pointerAt(pointerIndex)) === pointerKinds.none;
  }

  /** A view into the frame, not a copy: copy it to keep it. */
  getData(pointerIndex: number): Uint8Array {
    return readData(this.#arena, this.#pointerAt(pointerIndex));
  }

  getText(pointerIndex: number): string {
    return readText(this.#arena, this.#pointerAt(pointerIndex));
  }

  getStruct(pointerIndex: number): StructReader {
    return readStruct(this.#arena, this.#pointerAt(pointerIndex), StructReader);
  }

  getStructAs<R>(pointerIndex: number, type: ReaderType<R>): R {
    return readStruct(this.#arena, this.#pointerAt(pointerIndex), type.Reader);
  }

  getStructList<R>(pointerIndex: number, type: ReaderType<R>): StructListReader<R> {
    return this.getPointer(pointerIndex).asStructList(type);
  }

  getPrimitiveList<K extends PrimitiveKind>(pointerIndex: number, kind: K): PrimitiveListReader<K> {
    return this.getPointer(pointerIndex).asPrimitiveList(kind);
  }

  getDataList(pointerIndex: number): ListReader<Uint8Array> {
    return this.getPointer(pointerIndex).asDataList();
  }

  getTextList(pointerIndex: number): ListReader<string> {
    return this.getPointer(pointerIndex).asTextList();
  }

  getCapabilityList(pointerIndex: number): ListReader<unknown> {
    return this.getPointer(pointerIndex).asCapabilityList();
  }

  /** Lists of lists: each element is a pointer, read as what it leads to. */
  getPointerList(pointerIndex: number): ListReader<PointerReader> {
    return this.getPointer(pointerIndex).asPointerList();
  }

  /** The capability table's entry, or undefined when null. */
  getCapability(pointerIndex: number): unknown {
    return readCapability(this.#arena, this.#pointerAt(pointerIndex));
  }

  getPointer(pointerIndex: number): PointerReader {
    return new PointerReader(this.#arena, this.#pointerAt(pointerIndex));
  }

  /** The same struct under another type: groups of a schema share the bytes of their struct. */
  as<R>(type: ReaderType<R>): R {
    return new type.Reader(this.#arena, this.#at, this.#dataBytes, this.#pointerCount);
  }

  /** Throws wrongArm unless the union whose tag stands at byteOffset has this arm. */
  requireArm(byteOffset: number, arm: number): void {
    if (this.getUint16(byteOffset) !== arm) throw new MessageError("wrongArm", "the union has another arm set");
  }

  /** Negative for a pointer that a peer of an older schema did not send. */
  #pointerAt(pointerIndex: number): number {
    return pointerIndex < this.#pointerCount ? this.#at + this.#dataBytes + pointerIndex * 8 : -1;
  }
}

/** One pointer of a type the schema leaves open (AnyPointer), or an element of a list of lists. */
export class PointerReader {
  /** Internal: for copies. */
  readonly arena: Arena;
  /** Internal: position of the pointer; negative = null. */
  readonly at: number;

  constructor(arena: Arena, at: number) {
    this.arena = arena;
    this.at = at;
  }

  isNull(): boolean {
    return this.arena.locate(this.at) === pointerKinds.none;
  }

  asStruct<R>(type: ReaderType<R>): R {
    return readStruct(this.arena, this.at, type.Reader);
  }

  asStructRaw(): StructReader {
    return readStruct(this.arena, this.at, StructReader);
  }

  asData(): Uint8Array {
    return readData(this.arena, this.at);
  }

  asText(): string {
    return readText(this.arena, this.at);
  }

  asStructList<R>(type: ReaderType<R>): StructListReader<R> {
    return new StructListReader(this.arena, readListHead(this.arena, this.at), type.Reader);
  }

  asPrimitiveList<K extends PrimitiveKind>(kind: K): PrimitiveListReader<K> {
    return new PrimitiveListReader(this.arena, readListHead(this.arena, this.at), kind);
  }

  asDataList(): ListReader<Uint8Array> {
    return new PointerListReader(this.arena, readListHead(this.arena, this.at), readData);
  }

  asTextList(): ListReader<string> {
    return new PointerListReader(this.arena, readListHead(this.arena, this.at), readText);
  }

  asCapabilityList(): ListReader<unknown> {
    return new PointerListReader(this.arena, readListHead(this.arena, this.at), readCapability);
  }

  asPointerList(): ListReader<PointerReader> {
    return new PointerListReader(this.arena, readListHead(this.arena, this.at), pointerReaderAt);
  }

  /** Lists of lists: `read` says what each element is. */
  asListOf<T>(read: (element: PointerReader) => T): ListReader<T> {
    const readAt = (arena: Arena, at: number): T => read(new PointerReader(arena, at));
    return new PointerListReader(this.arena, readListHead(this.arena, this.at), readAt);
  }

  /** The capability table's entry, or undefined when null. */
  capability(): unknown {
    return readCapability(this.arena, this.at);
  }

  /** Index into the capability table, or undefined when null. */
  capabilityIndex(): number | undefined {
    return readCapabilityIndex(this.arena, this.at);
  }
}

function pointerReaderAt(arena: Arena, at: number): PointerReader {
  return new PointerReader(arena, at);
}
