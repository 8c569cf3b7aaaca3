/** Values by name over the time of a run. */
import type { Series } from "./verdict.ts";

/** What of a value comes and goes by itself, by the beginning of its name. */
const slacks = {
  heap_mb: 4,
  rss_mb: 16,
  handles: 4,
  tables_mb: 4,
  store_mb: 4,
  // 3 segments of 16 MB
  wal_mb: 48,
  redis_mb: 1,
  p50_ms: 2,
  p99_ms: 20,
} as const;

export type SeriesKind = keyof typeof slacks;
export const seriesKinds = Object.keys(slacks) as readonly SeriesKind[];

export class Recording {
  readonly #points = new Map<string, [minutes: number, value: number][]>();
  readonly #beganMs = performance.now();

  /** One of several, e.g. of the second front-end, has its number behind its kind. */
  add(kind: SeriesKind, value: number, number?: number): void {
    const name = number === undefined ? kind : `${kind}_${number}`;
    const minutes = (performance.now() - this.#beganMs) / 60_000;
    const points = this.#points.get(name);
    if (points === undefined) this.#points.set(name, [[minutes, value]]);
    else points.push([minutes, value]);
  }

  /** All of a kind. */
  of(kind: SeriesKind): readonly Series[] {
    return this.names(kind).map((name) => {
      const values = (this.#points.get(name) ?? []).map(([, value]) => value);
      return { name, values, slack: slacks[kind] };
    });
  }

  names(kind: SeriesKind): readonly string[] {
    return [...this.#points.keys()].filter((name) => name === kind || name.startsWith(`${kind}_`));
  }

  points(name: string): readonly (readonly [minutes: number, value: number])[] {
    return this.#points.get(name) ?? [];
  }

  /** For a report: each name with `_by_minute` behind it. */
  series(): Readonly<Record<string, readonly (readonly [number, number])[]>> {
    return Object.fromEntries([...this.#points].map(([name, points]) => [`${name}_by_minute`, points]));
  }
}
