/**
 * Which message stands at which place of an inbox, as its sender was told or as its reader has seen: 4 bytes a message, so
 * that a long run can be compared message by message.
 */
import { hash } from "node:crypto";

export type Page = { readonly inbox: number; readonly highestSeq: number; readonly digest: string };

const firstLength = 8;

export class SeqBook {
  /** Number + 1 at seq - 1; 0: not known. */
  #numbers = new Uint32Array(firstLength);
  #highestSeq = 0;

  get highestSeq(): number {
    return this.#highestSeq;
  }

  set(seq: number, number: number): void {
    if (seq > this.#numbers.length) {
      const longer = new Uint32Array(Math.max(seq, 2 * this.#numbers.length));
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[seq - 1] = number + 1;
    this.#highestSeq = Math.max(this.#highestSeq, seq);
  }

  /** As `set` has it, +1; 0 where nothing is known. */
  entries(): readonly number[] {
    return [...this.#numbers.subarray(0, this.#highestSeq)];
  }

  page(inbox: number): Page {
    const digest = hash("sha256", this.#numbers.subarray(0, this.#highestSeq), "base64");
    return { inbox, highestSeq: this.#highestSeq, digest };
  }
}
