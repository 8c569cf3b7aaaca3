/**
 * Deep copies from a validated message into one being built. Far pointers disappear; targets shared in the source are
 * copied once for each pointer, which the source's validation has bounded.
 */
import { type Arena, pointerKinds } from "./arena.ts";
import type { BuilderArena } from "./builder-arena.ts";
import { elementSizes, type ElementSize } from "./element-size.ts";
import { readListHead } from "./list-head.ts";

/** A pointer of the message being built. */
export type CopyTarget = { readonly arena: BuilderArena; readonly at: number };

/** `sourceAt` is the position of the pointer to copy; negative = null. */
export function copyPointer(source: Arena, sourceAt: number, target: CopyTarget): void {
  const kind = source.locate(sourceAt);
  if (kind === pointerKinds.none) target.arena.clearPointer(target.at);
  else if (kind === pointerKinds.struct) copyStruct(source, target);
  else if (kind === pointerKinds.list) copyList(source, sourceAt, target);
  else target.arena.writeCapability(target.at, source.capTable[source.high >>> 0]);
}

/** What `source.locate` has just found. */
function copyStruct(source: Arena, target: CopyTarget): void {
  const sourceAt = source.at;
  const dataWords = source.high & 0xffff;
  const pointerCount = source.high >>> 16;
  const at = target.arena.allocateStruct(target.at, dataWords, pointerCount);
  copySections(source, sourceAt, { arena: target.arena, at, dataBytes: dataWords * 8, pointerCount });
}

function copyList(source: Arena, sourceAt: number, target: CopyTarget): void {
  const size = (source.high & 7) as ElementSize;
  const head = readListHead(source, sourceAt);
  const { length, dataBytes, pointerCount } = head;
  const { arena } = target;
  if (size === elementSizes.composite) {
    const shape = { dataWords: dataBytes / 8, pointerWords: pointerCount };
    const at = arena.allocateStructList(target.at, length, shape);
    for (let index = 0; index < length; index++) {
      const offset = index * head.stepBytes;
      copySections(source, head.at + offset, { arena, at: at + offset, dataBytes, pointerCount });
    }
    return;
  }
  const at = arena.allocateList(target.at, size, length);
  if (size === elementSizes.pointer) copySections(source, head.at, { arena, at, dataBytes: 0, pointerCount: length });
  else {
    const bytes = size === elementSizes.bit ? Math.ceil(length / 8) : length * head.stepBytes;
    arena.bytes.set(source.bytes.subarray(head.at, head.at + bytes), at);
  }
}

type Sections = CopyTarget & { readonly dataBytes: number; readonly pointerCount: number };

function copySections(source: Arena, sourceAt: number, target: Sections): void {
  const { arena, at, dataBytes, pointerCount } = target;
  arena.bytes.set(source.bytes.subarray(sourceAt, sourceAt + dataBytes), at);
  for (let index = 0; index < pointerCount; index++) {
    const offset = dataBytes + index * 8;
    copyPointer(source, sourceAt + offset, { arena, at: at + offset });
  }
}
