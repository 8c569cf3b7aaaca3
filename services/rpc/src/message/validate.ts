/**
 * One walk over every pointer that can be reached from the root, before anybody reads.
 *
 * After it no reader needs a bounds check: all targets lie in their segments, list headers match their elements, nothing
 * is deeper than nestingMax, and visiting everything costs at most amplificationMax times the message and pointersMax
 * pointers. It does not know the schema: a pointer of a kind the schema does not expect is found by the reader.
 */
import { type Arena, pointerKinds } from "./arena.ts";
import type { MessageLimits } from "./limits.ts";
import { elementSizes, elementBits } from "./element-size.ts";
import { MessageError } from "./message-error.ts";
import { int32At } from "./numbers.ts";

export function validate(arena: Arena, limits: MessageLimits): void {
  new Walk(arena, limits).root();
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #arena: Arena;
  readonly #nestingMax: number;
  /** Words that may still be visited. */
  #budgetWords: number;
  #pointersLeft: number;
  #nesting = 0;
  /** Bounds of the segment the walk is in. */
  #start: number;
  #end: number;

  constructor(arena: Arena, limits: MessageLimits) {
    this.#bytes = arena.bytes;
    this.#arena = arena;
    this.#start = arena.rootAt;
    this.#end = arena.rootAt + (int32At(arena.bytes, 4) >>> 0) * 8;
    if (this.#end === this.#start) throw new MessageError("truncated", "the message has no root pointer");
    this.#nestingMax = limits.nestingMax;
    this.#pointersLeft = limits.pointersMax;
    this.#budgetWords = ((arena.bytes.length - arena.rootAt) / 8) * limits.amplificationMax;
  }

  root(): void {
    this.#pointer(this.#start);
  }

  #pointer(at: number): void {
    const low = int32At(this.#bytes, at);
    const high = int32At(this.#bytes, at + 4);
    if ((low | high) === 0) return;
    const kind = low & 3;
    if (kind === pointerKinds.list) this.#list(at + 8 + (low >> 2) * 8, high);
    else if (kind === pointerKinds.struct) this.#struct(at + 8 + (low >> 2) * 8, high);
    else if (kind === pointerKinds.far) this.#far(low, high);
    else if (low !== pointerKinds.capability) throw new MessageError("badPointer", "a reserved kind of pointer");
  }

  #struct(at: number, high: number): void {
    const dataWords = high & 0xffff;
    const pointerCount = high >>> 16;
    this.#spend(at, dataWords + pointerCount);
    if (pointerCount === 0) return;
    this.#enter();
    this.#pointers(at + dataWords * 8, pointerCount);
    this.#nesting--;
  }

  #list(at: number, high: number): void {
    const size = high & 7;
    const count = high >>> 3;
    if (size === elementSizes.composite) return this.#compositeList(at, count);
    this.#spend(at, Math.ceil((count * (elementBits[size] as number)) / 64));
    if (size === elementSizes.void) return this.#spendEmpty(count);
    if (size !== elementSizes.pointer || count === 0) return;
    this.#enter();
    this.#pointers(at, count);
    this.#nesting--;
  }

  /** `words` is what the pointer says, the tag before the elements says how many there are and of what shape. */
  #compositeList(at: number, words: number): void {
    this.#spend(at, words + 1);
    const tagLow = int32At(this.#bytes, at);
    const tagHigh = int32At(this.#bytes, at + 4);
    if ((tagLow & 3) !== pointerKinds.struct) throw new MessageError("badList", "a list's tag must describe a struct");
    const count = tagLow >>> 2;
    const dataWords = tagHigh & 0xffff;
    const pointerCount = tagHigh >>> 16;
    const elementWords = dataWords + pointerCount;
    if (count * elementWords > words) throw new MessageError("badList", "a list's elements overrun the list");
    if (elementWords === 0) return this.#spendEmpty(count);
    if (pointerCount === 0) return;
    this.#enter();
    for (let element = 0, elementAt = at + 8; element < count; element++, elementAt += elementWords * 8) {
      this.#pointers(elementAt + dataWords * 8, pointerCount);
    }
    this.#nesting--;
  }

  #pointers(at: number, count: number): void {
    this.#pointersLeft -= count;
    if (this.#pointersLeft < 0) throw new MessageError("amplification", "the message has too many pointers");
    for (let index = 0; index < count; index++) this.#pointer(at + index * 8);
  }

  /** The landing pad is a plain pointer, or (double far) a far pointer and a tag; never a further hop, so no loop is possible. */
  #far(low: number, high: number): void {
    const [start, end] = [this.#start, this.#end];
    this.#enterSegment(high);
    const padAt = this.#start + (low >>> 3) * 8;
    if ((low & 4) === 0) {
      this.#spend(padAt, 1);
      if ((int32At(this.#bytes, padAt) & 3) === pointerKinds.far) throw farToFar();
      this.#pointer(padAt);
    } else {
      this.#spend(padAt, 2);
      this.#doubleFar(padAt);
    }
    this.#start = start;
    this.#end = end;
  }

  #doubleFar(padAt: number): void {
    const contentLow = int32At(this.#bytes, padAt);
    const tagLow = int32At(this.#bytes, padAt + 8);
    const tagHigh = int32At(this.#bytes, padAt + 12);
    if ((contentLow & 7) !== pointerKinds.far) throw farToFar();
    this.#enterSegment(int32At(this.#bytes, padAt + 4));
    const contentAt = this.#start + (contentLow >>> 3) * 8;
    if (tagLow === pointerKinds.struct) this.#struct(contentAt, tagHigh);
    else if (tagLow === pointerKinds.list) this.#list(contentAt, tagHigh);
    else throw new MessageError("badPointer", "a far pointer's tag must describe a struct or a list");
  }

  #enterSegment(segment: number): void {
    const start = this.#arena.segmentStarts[segment];
    const end = this.#arena.segmentStarts[segment + 1];
    if (start === undefined || end === undefined) throw new MessageError("outOfBounds", "a pointer to no segment");
    this.#start = start;
    this.#end = end;
  }

  #enter(): void {
    if (++this.#nesting > this.#nestingMax) {
      throw new MessageError("tooDeep", `nested deeper than ${this.#nestingMax}`);
    }
  }

  #spend(at: number, words: number): void {
    if (at < this.#start || at + words * 8 > this.#end) {
      throw new MessageError("outOfBounds", "a pointer leads out of its segment");
    }
    this.#budgetWords -= words;
    if (this.#budgetWords < 0) throw amplified();
  }

  /** Elements without bytes cost their reader as much as others do: 8 bytes may announce 2^29 of them. */
  #spendEmpty(count: number): void {
    this.#budgetWords -= count;
    if (this.#budgetWords < 0) throw amplified();
  }
}

function amplified(): MessageError {
  return new MessageError("amplification", "the message is larger to read than its bytes allow");
}

function farToFar(): MessageError {
  return new MessageError("badPointer", "a far pointer's landing pad has the wrong kind");
}
