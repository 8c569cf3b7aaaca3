/**
 * The growing bytes of one outgoing message: one segment, its table in front, zero where nothing was written.
 *
 * Growing replaces `bytes`, so builders keep positions and ask the arena each time. Internal to the runtime.
 */
import { elementBits, elementSizes, type ElementSize } from "./element-size.ts";
import { MessageError } from "./message-error.ts";
import { writeUint32 } from "./numbers.ts";
import { zeroedBytes } from "./slab.ts";
import { encodeText, textBytesMax, writeText } from "./text.ts";

/** How a struct builder is made. Four positions and no options object: one is made for each struct written. */
export type BuilderConstructor<B> = new (arena: BuilderArena, at: number, dataBytes: number, pointerCount: number) => B;

/** The segment table of a message with one segment. */
export const headerBytes = 8;

// Longer texts (error messages and names are not) are worth one more copy.
const estimatedTextMax = 1024;

// Small fields behind a large payload must not make all of it move again: encoding 1 MiB took 0.45 ms without, 0.13 ms with it.
const slackBytes = 1024;

export class BuilderArena {
  bytes: Uint8Array;
  usedBytes = headerBytes + 8; // the root pointer follows the segment table
  readonly capTable: unknown[] = [];
  readonly #bytesMax: number;

  constructor(firstBytes: number, bytesMax: number) {
    this.bytes = zeroedBytes(firstBytes);
    this.#bytesMax = bytesMax;
  }

  /** Position of so many zero bytes; `bytes` is a multiple of 8. */
  allocate(bytes: number): number {
    const at = this.usedBytes;
    const end = at + bytes;
    if (end > this.bytes.length) this.#grow(end);
    this.usedBytes = end;
    return at;
  }

  /** A struct for the pointer at `pointerAt`; answers where it begins. */
  allocateStruct(pointerAt: number, dataWords: number, pointerWords: number): number {
    const words = dataWords + pointerWords;
    const at = this.allocate(words * 8);
    // An empty struct points at its own pointer (offset -1): offset 0 would be the null pointer.
    writeUint32(this.bytes, pointerAt, words === 0 ? -4 : ((at - pointerAt - 8) >> 3) << 2);
    writeUint32(this.bytes, pointerAt + 4, dataWords | (pointerWords << 16));
    return at;
  }

  /** A list of anything but structs; answers where element 0 begins. */
  allocateList(pointerAt: number, size: ElementSize, count: number): number {
    checkCount(count);
    const at = this.allocate(Math.ceil((count * (elementBits[size] as number)) / 64) * 8);
    this.#setListPointer(pointerAt, at, (count << 3) | size);
    return at;
  }

  /** A list of structs with the tag in front; answers where element 0 begins. */
  allocateStructList(pointerAt: number, count: number, shape: { dataWords: number; pointerWords: number }): number {
    checkCount(count);
    const words = count * (shape.dataWords + shape.pointerWords);
    const at = this.allocate(8 + words * 8);
    this.#setListPointer(pointerAt, at, (words << 3) | elementSizes.composite);
    writeUint32(this.bytes, at, count << 2);
    writeUint32(this.bytes, at + 4, shape.dataWords | (shape.pointerWords << 16));
    return at + 8;
  }

  /** Copies the bytes into the message: the caller may change them afterwards. */
  writeData(pointerAt: number, data: Uint8Array): void {
    const at = this.allocate((data.length + 7) & ~7);
    this.bytes.set(data, at);
    this.#setListPointer(pointerAt, at, (data.length << 3) | elementSizes.byte);
  }

  writeText(pointerAt: number, text: string): void {
    if (text.length > estimatedTextMax) return this.#writeLongText(pointerAt, text);
    const at = this.allocate((textBytesMax(text) + 8) & ~7);
    const length = writeText(text, this.bytes, at) + 1; // Text ends with a zero byte
    this.usedBytes = at + ((length + 7) & ~7); // give back what the estimate had too much; it is still zero
    this.#setListPointer(pointerAt, at, (length << 3) | elementSizes.byte);
  }

  /** Encoded first: an estimate of 3 bytes a character could go beyond the limit where the text does not. */
  #writeLongText(pointerAt: number, text: string): void {
    const encoded = encodeText(text);
    const at = this.allocate((encoded.length + 8) & ~7);
    this.bytes.set(encoded, at);
    this.#setListPointer(pointerAt, at, ((encoded.length + 1) << 3) | elementSizes.byte);
  }

  /** undefined clears the pointer. */
  writeCapability(pointerAt: number, capability: unknown): void {
    if (capability === undefined) return this.clearPointer(pointerAt);
    writeUint32(this.bytes, pointerAt, 3);
    writeUint32(this.bytes, pointerAt + 4, this.capTable.push(capability) - 1);
  }

  clearPointer(pointerAt: number): void {
    writeUint32(this.bytes, pointerAt, 0);
    writeUint32(this.bytes, pointerAt + 4, 0);
  }

  /** For a message that stays: leaves the buffer it shares with others. What is built after this is added to the copy. */
  detach(): void {
    this.bytes = this.bytes.slice(0, this.usedBytes);
  }

  #setListPointer(pointerAt: number, at: number, high: number): void {
    writeUint32(this.bytes, pointerAt, (((at - pointerAt - 8) >> 3) << 2) | 1);
    writeUint32(this.bytes, pointerAt + 4, high);
  }

  #grow(neededBytes: number): void {
    if (neededBytes > this.#bytesMax) {
      throw new MessageError("tooLarge", `a message of ${neededBytes} bytes, at most ${this.#bytesMax} are built`);
    }
    const wantedBytes = Math.max(neededBytes + slackBytes, this.bytes.length * 2);
    const grown = zeroedBytes(Math.max(neededBytes, Math.min(wantedBytes, this.#bytesMax)));
    grown.set(this.bytes.subarray(0, this.usedBytes));
    this.bytes = grown;
  }
}

function checkCount(count: number): void {
  if (!(count >= 0 && count < 1 << 29)) throw new MessageError("tooLarge", `a list of ${count} elements`);
}
