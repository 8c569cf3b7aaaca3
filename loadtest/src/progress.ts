/** A progress bar on standard error where that is a terminal, a line a step elsewhere. */
const width = 30;

export class Progress {
  readonly #steps: number;
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  step(text: string): void {
    this.advance(1, text);
  }

  /** So many steps at once. */
  advance(steps: number, text: string): void {
    this.#done += steps;
    if (!process.stderr.isTTY) {
      process.stderr.write(`[${this.#done}/${this.#steps}] ${text}\n`);
      return;
    }
    const filled = Math.round((this.#done / this.#steps) * width);
    const bar = "#".repeat(filled).padEnd(width, ".");
    process.stderr.write(
      `\r[${bar}] ${this.#done}/${this.#steps} ${text}\u001b[K${this.#done === this.#steps ? "\n" : ""}`,
    );
  }
}
