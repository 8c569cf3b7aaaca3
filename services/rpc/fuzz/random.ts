/** Chance with a seed (mulberry32): the same seed makes the same choices on every machine. */
export class Random {
  #state: number;

  /** Seeds of any kind and number; each order of them is a sequence of its own. */
  constructor(...seeds: readonly (number | string)[]) {
    // FNV-1a over the text of all seeds
    let hash = 0x811c9dc5;
    for (const code of seeds.join("/")) hash = Math.imul(hash ^ (code.codePointAt(0) as number), 0x01000193);
    this.#state = hash;
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to end - 1; 0 when end is 0. */
  below(end: number): number {
    return end <= 1 ? 0 : this.uint32() % end;
  }

  /** 0 to end - 1, small ones much more often. */
  small(end: number): number {
    return this.below(1 + this.below(end));
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One of the values, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of choices) {
      if (at < weight) return value;
      at -= weight;
    }
    throw new RangeError("there is nothing to choose from");
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.uint32());
  }

  /** A number that is the end of some range, or chance. */
  interesting(): number {
    return this.chance(70) ? this.pick(ends) : this.uint32();
  }
}

const ends = [
  0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 255, 256, 1023, 1024, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe,
  0xffffffff,
];
