/**
 * Which message ids the inboxes have seen, the oldest first: 32 bytes an id in columns, and 8 to 16 in the table of
 * places that finds it. An id is never compared by its hash alone.
 */
import { randomBytes } from "node:crypto";
import type { IdRecord } from "./records.ts";

/** Ids of one chunk: memory comes and goes by 2 MB. */
const chunkIds = 64 * 1024;
const placesMin = 2048;
type Chunk = {
  /** Four words an id. */
  readonly words: Uint32Array;
  readonly inboxes: Uint32Array;
  /** The lower 32 bits of the seq: an inbox does not take 2^32 messages within the window. */
  readonly seqs: Uint32Array;
  readonly atMs: Float64Array;
};

/** The inbox that asks: its number, and its last seq. */
export type IdQuery = { readonly number: number; readonly last: number; readonly messageId: Uint8Array };

export class IdTable {
  /** A sender that knew it could make ids that all stand in one place. */
  readonly #seed = randomBytes(4).readUInt32LE();
  readonly #word = new Uint32Array(4);
  #chunks: Chunk[] = [];
  /** Of the oldest id in the first chunk, and behind the newest, counted from the first chunk's beginning. */
  #first = 0;
  #end = 0;
  /** The place of an id, as its number among all that ever were, plus 1; 0 = free. Linear probing. */
  #places = new Uint32Array(placesMin);
  /** Ids of the chunks that are gone. */
  #dropped = 0;

  get size(): number {
    return this.#end - this.#first;
  }

  /** The seq of the first message of the inbox with this id. */
  find({ number, last, messageId }: IdQuery): number | undefined {
    this.#load(messageId);
    const mask = this.#places.length - 1;
    for (let at = this.#hash(number) & mask; ; at = (at + 1) & mask) {
      const place = this.#places[at] as number;
      if (place === 0) return undefined;
      const index = this.#indexOf(place);
      if (this.#isAt(index, number)) return seqOf(this.#seqLow(index), last);
    }
  }

  add({ number, messageId, seq, atMs }: IdRecord): void {
    if (2 * (this.size + 1) > this.#places.length) this.#rehash(2 * this.#places.length);
    const chunk = this.#chunkForNext();
    const at = this.#end % chunkIds;
    this.#load(messageId);
    chunk.words.set(this.#word, 4 * at);
    chunk.inboxes[at] = number;
    chunk.seqs[at] = seq % 2 ** 32;
    chunk.atMs[at] = atMs;
    this.#insert(this.#end++);
  }

  /** How many of the oldest are older than `endMs`, at most `max`. */
  countBefore(endMs: number, max: number): number {
    let count = 0;
    while (count < max && count < this.size && this.#atMs(this.#first + count) < endMs) count++;
    return count;
  }

  forget(count: number): void {
    for (let left = Math.min(count, this.size); left > 0; left--) {
      this.#remove(this.#first++);
      if (this.#first < chunkIds) continue;
      this.#chunks.shift();
      this.#first -= chunkIds;
      this.#end -= chunkIds;
      this.#dropped += chunkIds;
    }
    if (8 * this.size < this.#places.length && this.#places.length > placesMin) this.#rehash(this.#places.length / 2);
  }

  /** The oldest first. `lastOf`: the last seq of the inbox with the number. */
  *entries(lastOf: (number: number) => number): Generator<IdRecord> {
    for (let index = this.#first; index < this.#end; index++) {
      const { words, inboxes } = this.#chunkOf(index);
      const at = index % chunkIds;
      const number = inboxes[at] as number;
      const messageId = new Uint8Array(words.buffer, 16 * at, 16);
      yield { number, messageId, seq: seqOf(this.#seqLow(index), lastOf(number)), atMs: this.#atMs(index) };
    }
  }

  #chunkForNext(): Chunk {
    const current = this.#chunks.at(-1);
    if (current !== undefined && this.#end % chunkIds !== 0) return current;
    const chunk = {
      words: new Uint32Array(4 * chunkIds),
      inboxes: new Uint32Array(chunkIds),
      seqs: new Uint32Array(chunkIds),
      atMs: new Float64Array(chunkIds),
    };
    this.#chunks.push(chunk);
    return chunk;
  }

  #chunkOf(index: number): Chunk {
    return this.#chunks[Math.floor(index / chunkIds)] as Chunk;
  }

  #seqLow(index: number): number {
    return this.#chunkOf(index).seqs[index % chunkIds] as number;
  }

  #atMs(index: number): number {
    return this.#chunkOf(index).atMs[index % chunkIds] as number;
  }

  #load(messageId: Uint8Array): void {
    for (let i = 0; i < 4; i++) {
      const at = 4 * i;
      const [a = 0, b = 0, c = 0, d = 0] = [messageId[at], messageId[at + 1], messageId[at + 2], messageId[at + 3]];
      this.#word[i] = a | (b << 8) | (c << 16) | (d << 24);
    }
  }

  #hash(number: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#word;
    let sum = this.#seed ^ number;
    for (const word of [a, b, c, d]) {
      sum = Math.imul(sum ^ word, 0x9e3779b1);
      sum ^= sum >>> 15;
    }
    return sum >>> 0;
  }

  #isAt(index: number, number: number): boolean {
    const { words, inboxes } = this.#chunkOf(index);
    const at = index % chunkIds;
    if (inboxes[at] !== number) return false;
    const word = this.#word;
    for (let i = 0; i < 4; i++) if (words[4 * at + i] !== word[i]) return false;
    return true;
  }

  #placeOf(index: number): number {
    return ((index + this.#dropped) % (2 ** 32 - 1)) + 1;
  }

  #indexOf(place: number): number {
    const round = 2 ** 32 - 1;
    return (((place - 1 - this.#dropped) % round) + round) % round;
  }

  #homeOf(index: number): number {
    const { words, inboxes } = this.#chunkOf(index);
    const at = index % chunkIds;
    this.#word.set(words.subarray(4 * at, 4 * at + 4));
    return this.#hash(inboxes[at] as number);
  }

  #insert(index: number): void {
    const mask = this.#places.length - 1;
    let at = this.#homeOf(index) & mask;
    while (this.#places[at] !== 0) at = (at + 1) & mask;
    this.#places[at] = this.#placeOf(index);
  }

  /** Those behind it that would no longer be found move up. */
  #remove(index: number): void {
    const mask = this.#places.length - 1;
    const place = this.#placeOf(index);
    let hole = this.#homeOf(index) & mask;
    while (this.#places[hole] !== place) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; this.#places[at] !== 0; at = (at + 1) & mask) {
      const home = this.#homeOf(this.#indexOf(this.#places[at] as number)) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#places[hole] = this.#places[at] as number;
      hole = at;
    }
    this.#places[hole] = 0;
  }

  #rehash(places: number): void {
    this.#places = new Uint32Array(places);
    for (let index = this.#first; index < this.#end; index++) this.#insert(index);
  }
}

function seqOf(seqLow: number, last: number): number {
  const round = 2 ** 32;
  const seq = last - (last % round) + seqLow;
  return seq > last ? seq - round : seq;
}
