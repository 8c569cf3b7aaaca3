/** Values of several runs by name, and what a report takes of them. The n-th value of each name is of the n-th run. */
import { median, spreadOf } from "./report.ts";

export class Samples {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }

  of(name: string): readonly number[] {
    return this.#values.get(name) ?? [];
  }

  /** null: not measured. */
  median(name: string): number | null {
    const values = this.of(name);
    return values.length === 0 ? null : median(values);
  }

  /** Of each run, ours to the other; none when one of them was not measured. */
  ratios(ours: string, other: string): readonly number[] {
    const [values, others] = [this.of(ours), this.of(other)];
    return values.slice(0, others.length).map((value, run) => value / (others[run] as number));
  }
}

/** The rows of a report, filled one by one from samples; each has its spread where there are values. */
export class Rows {
  readonly figures: Record<string, number | null> = {};
  readonly ratios: Record<string, number | null> = {};
  readonly spread: Record<string, readonly [number, number, number]> = {};

  figure(name: string, values: readonly number[]): void {
    this.figures[name] = this.#take(name, values);
  }

  ratio(name: string, values: readonly number[]): void {
    this.ratios[name] = this.#take(name, values);
  }

  #take(name: string, values: readonly number[]): number | null {
    if (values.length === 0) return null;
    this.spread[name] = spreadOf(values);
    return median(values);
  }
}
