/** What the supervisor itself tells: of its processes, seen from outside. */
import { Counter, Gauge, Registry } from "prom-client";
import type { EndReason, Keeper } from "./keeper.ts";

export class SupervisorMetrics {
  readonly registry = new Registry();
  readonly #ends: Counter<"worker" | "reason">;

  /** Read when the metrics are asked for. */
  constructor(keepers: () => readonly Keeper[], isDraining: () => boolean) {
    const registers = [this.registry];
    this.#ends = new Counter({
      name: "qpq_worker_restarts_total",
      help: "Processes that ended and were replaced: stalled, too much memory, killed from outside, or exited.",
      labelNames: ["worker", "reason"],
      registers,
    });
    const workers = (): readonly Keeper[] => keepers().filter(({ name }) => name !== "store");
    new Gauge({
      name: "qpq_workers",
      help: "Worker processes that serve.",
      registers,
      collect() {
        this.set(workers().filter(({ isUp }) => isUp).length);
      },
    });
    new Gauge({
      name: "qpq_draining",
      help: "Processes in a graceful stop.",
      registers,
      collect() {
        this.set(isDraining() ? 1 : 0);
      },
    });
    perProcess("qpq_worker_rss_bytes", "Resident memory of a process, in bytes.", ({ residentBytes }) => residentBytes);
    perProcess("qpq_worker_heartbeat_age_seconds", "Since a process last gave a sign of life.", (keeper) =>
      keeper.isUp ? keeper.heartbeatAgeMs / 1_000 : undefined,
    );

    function perProcess(name: string, help: string, read: (keeper: Keeper) => number | undefined): void {
      new Gauge({
        name,
        help,
        labelNames: ["worker"],
        registers,
        collect() {
          this.reset();
          for (const keeper of keepers()) {
            const value = read(keeper);
            if (value !== undefined) this.set({ worker: keeper.name }, value);
          }
        },
      });
    }
  }

  ended(worker: string, reason: EndReason): void {
    this.#ends.inc({ worker, reason });
  }
}
