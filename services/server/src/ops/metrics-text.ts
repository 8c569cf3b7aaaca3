/** Reads a page of metrics in Prometheus's text format, as far as this server writes it (exemplars are passed over). */

export type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };

/** By name; of a histogram `..._bucket`, `..._sum` and `..._count`. Lines that are none are passed over. */
export class MetricsPage {
  readonly #samples = new Map<string, Sample[]>();

  constructor(text: string) {
    for (const line of text.split("\n")) {
      const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? ([^ ]+)/.exec(line) ?? [];
      if (name === undefined) continue;
      const sample = { labels: labelsOf(labels), value: Number(value) };
      const others = this.#samples.get(name);
      if (others === undefined) this.#samples.set(name, [sample]);
      else others.push(sample);
    }
  }

  all(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** Of the samples with these labels; 0 where there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels);
    return this.all(name)
      .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

/** No label of ours has a quote or a backslash in it: they are closed sets. */
function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));
}

/**
 * What lay between two readings: of the calls in it, the time that a share `q` of them stayed within, in seconds, and as
 * exact as the buckets are. Undefined when there were none; Infinity beyond the last bucket.
 */
export function quantile(
  [before, after]: readonly [MetricsPage, MetricsPage],
  histogram: string,
  { q, labels }: { readonly q: number; readonly labels: Readonly<Record<string, string>> },
): number | undefined {
  const bounds = [...new Set(after.all(`${histogram}_bucket`).map(({ labels: { le } }) => le ?? ""))]
    .map((le) => ({ le, bound: le === "+Inf" ? Infinity : Number(le) }))
    .sort((a, b) => a.bound - b.bound);
  const counts = bounds.map(({ le }) => grown([before, after], `${histogram}_bucket`, { ...labels, le }));
  const total = counts.at(-1) ?? 0;
  if (total <= 0) return undefined;
  const rank = q * total;
  const index = counts.findIndex((count) => count >= rank);
  const { bound = Infinity } = bounds[index] ?? {};
  if (bound === Infinity) return Infinity;
  const [below, lower] = index === 0 ? [0, 0] : [counts[index - 1] ?? 0, bounds[index - 1]?.bound ?? 0];
  const within = (counts[index] ?? 0) - below;
  return lower + (within === 0 ? 0 : ((rank - below) / within) * (bound - lower));
}

/** How much a counter has grown. One that is smaller than before began anew. */
export function grown(
  [before, after]: readonly [MetricsPage, MetricsPage],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const now = after.sum(name, labels);
  const then = before.sum(name, labels);
  return now >= then ? now - then : now;
}
