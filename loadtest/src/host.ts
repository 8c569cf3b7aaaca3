/** Facts about the machine that a figure means nothing without. */
import { cpus, loadavg, release, totalmem } from "node:os";

export function describeHost(): Record<string, string | number> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    // before the run: what else was going on
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}
