/** How much of something has happened, for whoever waits for more of it. */
export class Tally {
  count = 0;
  readonly #looks = new Set<() => void>();

  add(): void {
    this.count++;
    for (const look of this.#looks) look();
  }

  /** Resolves after so many more, or rejects when what makes them has failed. */
  async more(count: number, making: Promise<unknown>): Promise<void> {
    const target = this.count + count;
    const reached = Promise.withResolvers<void>();
    const look = () => this.count >= target && reached.resolve();
    this.#looks.add(look);
    await Promise.race([reached.promise, making]);
    this.#looks.delete(look);
  }
}
