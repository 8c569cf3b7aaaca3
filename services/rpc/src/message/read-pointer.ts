/**
 * What stands behind one pointer, read as the schema says. Each function takes the pointer's position (negative = a field
 * that older peers do not send) and throws MessageError when another kind of thing stands there.
 */
import { type Arena, pointerKinds, type PointerKind, type ReaderConstructor } from "./arena.ts";
import { elementSizes } from "./element-size.ts";
import { MessageError } from "./message-error.ts";
import { decodeText } from "./text.ts";

const noBytes = new Uint8Array(0);

/** A view into the frame, not a copy: whoever keeps it keeps the whole frame alive. Null reads as empty. */
export function readData(arena: Arena, pointerAt: number): Uint8Array {
  const kind = arena.locate(pointerAt);
  if (kind === pointerKinds.none) return noBytes;
  requireBytes(kind, arena.high);
  const length = arena.high >>> 3;
  if (length === 0) return noBytes; // many fields are empty, and a view costs as much as all other work on a field
  const { bytes } = arena;
  // Quicker than subarray, and a plain Uint8Array also when the frame is a subclass of it.
  return new Uint8Array(bytes.buffer, bytes.byteOffset + arena.at, length);
}

/** Null reads as "". Throws badText when it is not UTF-8 or lacks its final zero byte. */
export function readText(arena: Arena, pointerAt: number): string {
  const kind = arena.locate(pointerAt);
  if (kind === pointerKinds.none) return "";
  requireBytes(kind, arena.high);
  const length = (arena.high >>> 3) - 1;
  if (length < 0 || arena.bytes[arena.at + length] !== 0) {
    throw new MessageError("badText", "text must end with a zero byte");
  }
  return decodeText(arena.bytes, arena.at, length);
}

/** Null reads as a struct whose every field is zero or empty. */
export function readStruct<R>(arena: Arena, pointerAt: number, Reader: ReaderConstructor<R>): R {
  const kind = arena.locate(pointerAt);
  if (kind === pointerKinds.struct) {
    return new Reader(arena, arena.at, (arena.high & 0xffff) * 8, arena.high >>> 16);
  }
  if (kind === pointerKinds.none) return new Reader(arena, 0, 0, 0);
  throw new MessageError("badPointer", "a struct was expected");
}

/** The capability table's entry; undefined when null. */
export function readCapability(arena: Arena, pointerAt: number): unknown {
  const index = readCapabilityIndex(arena, pointerAt);
  if (index === undefined) return undefined;
  if (index >= arena.capTable.length) throw new MessageError("badPointer", "a capability that is not in the table");
  return arena.capTable[index];
}

/** Index into the capability table; undefined when null. */
export function readCapabilityIndex(arena: Arena, pointerAt: number): number | undefined {
  const kind = arena.locate(pointerAt);
  if (kind === pointerKinds.none) return undefined;
  if (kind !== pointerKinds.capability) throw new MessageError("badPointer", "a capability was expected");
  return arena.high >>> 0;
}

function requireBytes(kind: PointerKind, high: number): void {
  if (kind !== pointerKinds.list) throw new MessageError("badPointer", "a list of bytes was expected");
  if ((high & 7) !== elementSizes.byte) throw new MessageError("badList", "a list of bytes was expected");
}
