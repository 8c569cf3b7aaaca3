/** What the supervisor itself tells: of its processes, seen from outside. */
import type { Counter } from "prom-client";
import { MetricRegistry, type Reading } from "../observe/metric-registry.ts";
import type { MetricsSnapshot } from "../observe/prometheus.ts";
import { type EndReason, endReasons, type Keeper } from "./keeper.ts";

export class SupervisorMetrics {
  readonly #metrics = new MetricRegistry();
  readonly #keepers: () => readonly Keeper[];
  readonly #ends: Counter<string>;

  /** Read when the metrics are asked for. */
  constructor(keepers: () => readonly Keeper[], isDraining: () => boolean) {
    const metrics = this.#metrics;
    this.#keepers = keepers;
    this.#ends = metrics.counter("qpq_worker_restarts_total");
    metrics.gaugeOf("qpq_workers", () => [[{}, keepers().filter(({ name, isUp }) => name !== "store" && isUp).length]]);
    metrics.gaugeOf("qpq_draining", () => [[{}, isDraining() ? 1 : 0]]);
    const perProcess = (read: (keeper: Keeper) => number | undefined): Reading =>
      keepers().flatMap((keeper) => {
        const value = read(keeper);
        return value === undefined ? [] : [[{ worker: keeper.name }, value] as const];
      });
    metrics.gaugeOf("qpq_worker_rss_bytes", () => perProcess(({ residentBytes }) => residentBytes));
    metrics.gaugeOf("qpq_worker_heartbeat_age_seconds", () =>
      perProcess(({ isUp, heartbeatAgeMs }) => (isUp ? heartbeatAgeMs / 1_000 : undefined)),
    );
  }

  ended(worker: string, reason: EndReason): void {
    this.#ends.inc({ worker, reason });
  }

  snapshot(): Promise<MetricsSnapshot> {
    // an alarm on a counter that comes into being with its first end misses that one
    for (const { name } of this.#keepers())
      for (const reason of endReasons) this.#ends.inc({ worker: name, reason }, 0);
    return this.#metrics.registry.getMetricsAsJSON();
  }
}
