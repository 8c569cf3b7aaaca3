/** What a run holds until its end: one that was collected would be released at a time of chance. */
export class Held<T extends Disposable> {
  readonly #held: T[] = [];

  add<U extends T>(one: U): U {
    this.#held.push(one);
    return one;
  }

  /** Counted round and round; undefined when there is nothing. */
  at(index: number): T | undefined {
    return this.#held[index % Math.max(1, this.#held.length)];
  }

  letGo(): void {
    for (const one of this.#held) one[Symbol.dispose]();
  }
}
