/** What happened in a simulated world, step by step: as a hash that two runs can be compared by, and as lines when wanted. */

export class Trace {
  readonly #lines: string[] | undefined;
  // FNV-1a in two lanes: no two traces of a campaign meet
  #low = 0x811c9dc5;
  #high = 0x050c5d1f;
  #nowMs = 0;

  constructor(options: { readonly keepLines: boolean }) {
    this.#lines = options.keepLines ? [] : undefined;
  }

  step(atMs: number, name: string): void {
    this.#nowMs = atMs;
    this.#mix(Math.round(atMs * 1_000));
    for (let i = 0; i < name.length; i++) this.#mix(name.charCodeAt(i));
  }

  /** Something that a reader of the time line wants to know. */
  note(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#tell(text);
  }

  /** What only somebody who replays the run wants to know. */
  detail(text: () => string): void {
    if (this.#lines !== undefined) this.#tell(text());
  }

  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  #tell(text: string): void {
    this.#lines?.push(`${(this.#nowMs / 1_000).toFixed(4).padStart(9)} s  ${text}`);
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193);
    this.#high = Math.imul(this.#high ^ value, 0x010001b3);
  }
}
