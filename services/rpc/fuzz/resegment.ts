/**
 * Writes a message of one segment as the same message of several: objects lie in segments chosen by chance, reached by
 * plain, far and double-far pointers (capnproto.org/encoding, "Inter-Segment Pointers"). No builder here makes such
 * messages, other implementations do all the time.
 */
import type { Random } from "./random.ts";

/** Each half a word: [low, high, low, high, ...]. */
type Segment = number[];

/** `frame` is a valid message of one segment. */
export function resegment(frame: Uint8Array, random: Random): Uint8Array {
  const writer = new Writer(frame, random);
  return writer.frame();
}

class Writer {
  readonly #source: DataView;
  readonly #random: Random;
  readonly #segments: Segment[];

  constructor(frame: Uint8Array, random: Random) {
    this.#source = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#random = random;
    this.#segments = Array.from({ length: 1 + random.small(5) }, () => []);
    this.#allocate(0, 1);
    this.#copyPointer(8, 0, 0);
  }

  frame(): Uint8Array {
    const headerBytes = (4 + 4 * this.#segments.length + 7) & ~7;
    const halves = this.#segments.flat();
    const view = new DataView(new ArrayBuffer(headerBytes + halves.length * 4));
    view.setUint32(0, this.#segments.length - 1, true);
    this.#segments.forEach((segment, index) => view.setUint32(4 + 4 * index, segment.length / 2, true));
    halves.forEach((half, index) => view.setInt32(headerBytes + 4 * index, half, true));
    return new Uint8Array(view.buffer);
  }

  /** Answers the word at which so many zero words begin. */
  #allocate(segment: number, words: number): number {
    const target = this.#segments[segment] as Segment;
    const at = target.length / 2;
    for (let half = 0; half < words * 2; half++) target.push(0);
    return at;
  }

  #set(segment: number, word: number, low: number, high: number): void {
    const target = this.#segments[segment] as Segment;
    target[word * 2] = low;
    target[word * 2 + 1] = high;
  }

  /** From the byte `sourceAt` to a word of a segment. */
  #copyPointer(sourceAt: number, segment: number, word: number): void {
    const low = this.#source.getInt32(sourceAt, true);
    const high = this.#source.getInt32(sourceAt + 4, true);
    const isObject = (low & 2) === 0 && (low !== 0 || high !== 0);
    const contentAt = sourceAt + 8 + (low >> 2) * 8;
    const words = isObject ? this.#wordsOf(low & 3, high) : 0;
    if (words === 0) return this.#set(segment, word, isObject ? (low & 3) | ~3 : low, high);
    const home = this.#random.chance(50) ? segment : this.#random.below(this.#segments.length);
    const at = this.#place({ segment, word, home }, { tag: low & 3, high, words });
    this.#copyContent(contentAt, { segment: home, word: at }, { tag: low & 3, high });
  }

  /** Makes room in the home segment and a pointer to it; answers the word. */
  #place(
    { segment, word, home }: { segment: number; word: number; home: number },
    { tag, high, words }: { tag: number; high: number; words: number },
  ): number {
    if (home === segment) {
      const at = this.#allocate(home, words);
      this.#set(segment, word, ((at - word - 1) << 2) | tag, high);
      return at;
    }
    if (this.#random.chance(50)) {
      const padAt = this.#allocate(home, 1);
      const at = this.#allocate(home, words);
      this.#set(home, padAt, ((at - padAt - 1) << 2) | tag, high);
      this.#set(segment, word, (padAt << 3) | 2, home);
      return at;
    }
    const at = this.#allocate(home, words);
    const padSegment = this.#random.below(this.#segments.length);
    const padAt = this.#allocate(padSegment, 2);
    this.#set(padSegment, padAt, (at << 3) | 2, home);
    this.#set(padSegment, padAt + 1, tag, high);
    this.#set(segment, word, (padAt << 3) | 6, padSegment);
    return at;
  }

  #wordsOf(tag: number, high: number): number {
    if (tag === 0) return (high & 0xffff) + (high >>> 16);
    const size = high & 7;
    const count = high >>> 3;
    if (size === 7) return count + 1;
    return Math.ceil((count * (bitsOf[size] as number)) / 64);
  }

  #copyContent(at: number, to: { segment: number; word: number }, { tag, high }: { tag: number; high: number }): void {
    if (tag === 0) return this.#copyStruct(at, to, high);
    const size = high & 7;
    if (size === 6) {
      for (let n = 0; n < high >>> 3; n++) this.#copyPointer(at + n * 8, to.segment, to.word + n);
    } else if (size !== 7) this.#copyWords(at, to, this.#wordsOf(tag, high));
    else {
      this.#copyWords(at, to, 1);
      const count = this.#source.getUint32(at, true) >>> 2;
      const shape = this.#source.getInt32(at + 4, true);
      const step = (shape & 0xffff) + (shape >>> 16);
      for (let n = 0; n < count; n++) {
        this.#copyStruct(at + 8 + n * step * 8, { segment: to.segment, word: to.word + 1 + n * step }, shape);
      }
    }
  }

  #copyStruct(at: number, to: { segment: number; word: number }, shape: number): void {
    const dataWords = shape & 0xffff;
    this.#copyWords(at, to, dataWords);
    for (let n = dataWords; n < dataWords + (shape >>> 16); n++) {
      this.#copyPointer(at + n * 8, to.segment, to.word + n);
    }
  }

  #copyWords(at: number, { segment, word }: { segment: number; word: number }, words: number): void {
    for (let n = 0; n < words; n++) {
      const from = at + n * 8;
      this.#set(segment, word + n, this.#source.getInt32(from, true), this.#source.getInt32(from + 4, true));
    }
  }
}

/** Of an element, by element size. */
const bitsOf = [0, 1, 8, 16, 32, 64, 64];
