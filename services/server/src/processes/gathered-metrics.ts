/**
 * The metrics of all processes of one server as one page: counters and histograms are summed, gauges as their metric says
 * (most are summed, lags averaged).
 *
 * A process that was replaced does not make a counter go backwards: its last counts stay in the sums. What it counted
 * after it was last asked is missing.
 */
import { AggregatorRegistry, type Registry } from "prom-client";
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

  /** With those of `own`, in the text format. */
  async text(own: Registry): Promise<string> {
    const ownMetrics = await own.getMetricsAsJSON();
    return await sum([...this.#departed, ...this.#latest.values(), ownMetrics]).metrics();
  }

  async #joinDeparted(): Promise<void> {
    this.#isJoining = true;
    const { length } = this.#departed;
    const joined = await sum(this.#departed).getMetricsAsJSON();
    // those that came meanwhile stand behind
    this.#departed = [joined, ...this.#departed.slice(length)];
    this.#isJoining = false;
  }
}

function sum(metrics: readonly MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate([...metrics]);
}
