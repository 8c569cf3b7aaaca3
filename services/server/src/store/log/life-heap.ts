/** Which message's life ends first: a heap over the pool's slots, which knows where each stands in it. */
import type { MessagePool } from "./message-pool.ts";

export class LifeHeap {
  readonly #pool: MessagePool;
  readonly #slots: number[] = [];

  constructor(pool: MessagePool) {
    this.#pool = pool;
  }

  /** The slot whose life ends first, of equals the one with the lower seq. */
  first(): number | undefined {
    return this.#slots[0];
  }

  add(slot: number): void {
    this.#slots.push(slot);
    this.#rise(this.#slots.length - 1, slot);
  }

  remove(slot: number): void {
    const at = this.#pool.heapAt[slot] as number;
    const last = this.#slots.pop() as number;
    if (last === slot) return;
    this.#slots[at] = last;
    this.#rise(at, last);
    this.#sink(this.#pool.heapAt[last] as number, last);
  }

  #isBefore(one: number, other: number): boolean {
    const { expiresAtMs, seq } = this.#pool;
    const [a, b] = [expiresAtMs[one] as number, expiresAtMs[other] as number];
    return a < b || (a === b && (seq[one] as number) < (seq[other] as number));
  }

  #rise(from: number, slot: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#slots[parent] as number;
      if (!this.#isBefore(slot, above)) break;
      this.#put(at, above);
      at = parent;
    }
    this.#put(at, slot);
  }

  #sink(from: number, slot: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#slots.length) break;
      const next = child + 1;
      if (next < this.#slots.length && this.#isBefore(this.#slots[next] as number, this.#slots[child] as number)) {
        child = next;
      }
      const below = this.#slots[child] as number;
      if (!this.#isBefore(below, slot)) break;
      this.#put(at, below);
      at = child;
    }
    this.#put(at, slot);
  }

  #put(at: number, slot: number): void {
    this.#slots[at] = slot;
    this.#pool.heapAt[slot] = at;
  }
}
