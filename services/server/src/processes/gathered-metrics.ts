/**
 * The metrics of all processes of one server as one page: counters and histograms are summed, gauges as their metric says
 * (most are summed, lags averaged).
 *
 * A process that was replaced does not make a counter go backwards: its last counts stay in the sums. What it counted
 * after it was last asked is missing.
 */
import { AggregatorRegistry } from "prom-client";
import type { MetricsSnapshot } from "../observe/prometheus.ts";

export class GatheredMetrics {
  readonly #latest = new Map<string, MetricsSnapshot>();
  /** Of processes that have gone; made one when there are several. */
  #departed: readonly MetricsSnapshot[] = [];
  #isJoining = false;

  /** Newer counts of the process under this name. */
  record(name: string, metrics: MetricsSnapshot): void {
    this.#latest.set(name, metrics);
  }

  /** The process under this name has ended: its counts stay, what it held has gone with it. */
  depart(name: string): void {
    const latest = this.#latest.get(name);
    if (latest === undefined) return;
    this.#latest.delete(name);
    this.#departed = [...this.#departed, latest.filter(({ type }) => String(type) !== "gauge")];
    if (!this.#isJoining) void this.#joinDeparted();
  }

  async sumWith(own: MetricsSnapshot): Promise<MetricsSnapshot> {
    return await sum([...this.#departed, ...this.#latest.values(), own]);
  }

  async #joinDeparted(): Promise<void> {
    this.#isJoining = true;
    const { length } = this.#departed;
    const joined = await sum(this.#departed);
    // those that came meanwhile stand behind
    this.#departed = [joined, ...this.#departed.slice(length)];
    this.#isJoining = false;
  }
}

/** A value, and what prom-client keeps beside it. */
type Value = {
  readonly metricName?: string;
  readonly labels: object;
  exemplar?: { readonly timestamp: number } | null;
};

async function sum(metrics: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const summed = await AggregatorRegistry.aggregate([...metrics]).getMetricsAsJSON();
  const exemplars = new Map<string, Value["exemplar"]>();
  for (const value of valuesOf(metrics.flat())) {
    if (value.exemplar && value.exemplar.timestamp > (exemplars.get(nameOf(value))?.timestamp ?? 0)) {
      exemplars.set(nameOf(value), value.exemplar);
    }
  }
  // prom-client leaves them out
  if (exemplars.size > 0) for (const value of valuesOf(summed)) value.exemplar = exemplars.get(nameOf(value)) ?? null;
  return summed;
}

function valuesOf(metrics: MetricsSnapshot): readonly Value[] {
  const histograms = metrics.filter(({ type }) => String(type) === "histogram");
  return histograms.flatMap(({ values = [] }) => values as unknown as readonly Value[]);
}

function nameOf({ metricName, labels }: Value): string {
  return `${metricName} ${JSON.stringify(Object.entries(labels).sort())}`;
}
