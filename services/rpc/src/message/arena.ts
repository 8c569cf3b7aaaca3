/**
 * The bytes of one incoming message, and the one place that follows its pointers. Readers hold an arena and a position.
 *
 * All positions are byte offsets into the whole frame, whatever segment they lie in. `locate` checks nothing: it
 * may be called only on pointers the validation walk has visited. Internal to the message runtime.
 */
import { headerBytesOf } from "./frame.ts";
import { int32At } from "./numbers.ts";
import { copyOf } from "./slab.ts";

/** Low two bits of a pointer; `none` is the null pointer. */
export const pointerKinds = { struct: 0, list: 1, far: 2, capability: 3, none: 4 } as const;
export type PointerKind = (typeof pointerKinds)[keyof typeof pointerKinds];

/** How a generated or untyped struct reader is made. Four positions and no options object: one is made for each struct read. */
export type ReaderConstructor<R> = new (arena: Arena, at: number, dataBytes: number, pointerCount: number) => R;

// A chunk of a network is 64 KiB, of which a parked call of 200 bytes would keep all.
const detachFactor = 4;

export class Arena {
  /** Replaced by `detach`. */
  bytes: Uint8Array;
  /** Where the first segment begins, which is where the root pointer stands. */
  readonly rootAt: number;
  #segmentStarts: readonly number[] | undefined;
  capTable: readonly unknown[] = [];
  /** Answers of `locate`, good until its next call (no object for each pointer read): where the target begins ... */
  at = 0;
  /** ... and the upper half of the pointer that describes it. */
  high = 0;

  /** `bytes` are a whole frame. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.rootAt = headerBytesOf((int32At(bytes, 0) >>> 0) + 1);
  }

  /**
   * Where each segment begins; one more entry says where the last one ends. Segments lie back to back. Made for those who
   * follow far pointers: most messages have none.
   */
  get segmentStarts(): readonly number[] {
    this.#segmentStarts ??= segmentStartsOf(this.bytes);
    return this.#segmentStarts;
  }

  /**
   * For a message that stays: leaves the bytes it came in where they keep much more memory alive than the message needs.
   * Data read before is still a view of those.
   */
  detach(): void {
    if (this.bytes.buffer.byteLength >= detachFactor * this.bytes.length) this.bytes = copyOf(this.bytes);
  }

  /** Follows the pointer at `pointerAt` (negative: a pointer that older peers do not send, thus null). */
  locate(pointerAt: number): PointerKind {
    if (pointerAt < 0) return pointerKinds.none;
    const low = int32At(this.bytes, pointerAt);
    const high = int32At(this.bytes, pointerAt + 4);
    const kind = (low & 3) as PointerKind;
    if (kind === pointerKinds.far) return this.#locateFar(low, high);
    if (low === 0 && high === 0) return pointerKinds.none;
    this.at = pointerAt + 8 + (low >> 2) * 8;
    this.high = high;
    return kind;
  }

  #locateFar(low: number, high: number): PointerKind {
    const padAt = this.#segmentStart(high) + (low >>> 3) * 8;
    if ((low & 4) === 0) return this.locate(padAt);
    // Double far: the pad is a far pointer to the content and a tag that describes it.
    const contentLow = int32At(this.bytes, padAt);
    this.at = this.#segmentStart(int32At(this.bytes, padAt + 4)) + (contentLow >>> 3) * 8;
    this.high = int32At(this.bytes, padAt + 12);
    return (int32At(this.bytes, padAt + 8) & 3) as PointerKind;
  }

  #segmentStart(segment: number): number {
    return this.segmentStarts[segment] as number;
  }
}

function segmentStartsOf(frame: Uint8Array): readonly number[] {
  const segments = (int32At(frame, 0) >>> 0) + 1;
  const starts: number[] = [];
  let end = headerBytesOf(segments);
  for (let segment = 0; segment < segments; segment++) {
    starts.push(end);
    end += (int32At(frame, 4 + 4 * segment) >>> 0) * 8;
  }
  starts.push(end);
  return starts;
}
