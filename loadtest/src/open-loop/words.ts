/** Results in words, for a terminal. */
import type { ComparedMetric } from "./compare-loads.ts";
import type { LoadResult, Percentiles } from "./result.ts";

export function resultWords(result: LoadResult): string {
  const { plan, latencyMs, serviceMs, latenessMs, bytes, errors, missed } = result;
  const head = `${result.scenario}: ${plan.users} users, ${plan.drivers} ${plan.drivers === 1 ? "driver" : "drivers"}, ${result.secondsRun} s${result.endedEarly ? " (ended early)" : ""}`;
  const lines = [
    head,
    `  due        ${countOf(result.offered)} actions, ${result.offeredPerSecond.toFixed(1)}/s`,
    `  done       ${countOf(result.done)} actions, ${result.reachedPerSecond.toFixed(1)}/s`,
    `  latency    ${percentilesWords(latencyMs)}`,
    `  service    ${percentilesWords(serviceMs)}`,
    `  lateness   ${percentilesWords(latenessMs)}`,
    `  bytes      ${countOf(bytes.out)} sent, ${countOf(bytes.in)} received`,
  ];
  for (const [code, count] of Object.entries(errors)) lines.push(`  error      ${code} ${countOf(count)}`);
  if (missed.count > 0) {
    lines.push(`  missed     ${countOf(missed.count)} (${missed.code}: ${plan.inFlightMax} were under way)`);
  }
  return lines.join("\n");
}

export function comparedWords(compared: readonly ComparedMetric[]): string {
  const rows = compared.map(({ metric, before, after, ratio, isWorse }) => {
    const [from, to] = [before, after].map(([, median]) => String(Number(median.toFixed(3))).padStart(12));
    const told = ratio === null ? "-" : `${ratio[1].toFixed(2)} [${ratio[0].toFixed(2)} .. ${ratio[2].toFixed(2)}]`;
    return `  ${metric.padEnd(8)}${from}${to}  ${told}${isWorse ? "  worse" : ""}`;
  });
  return [`  ${"".padEnd(8)}${"before".padStart(12)}${"after".padStart(12)}  after / before`, ...rows].join("\n");
}

export function countOf(count: number): string {
  return count.toLocaleString("en");
}

export function msOf(ms: number): string {
  return `${ms >= 100 ? ms.toFixed(0) : ms.toFixed(2)} ms`;
}

function percentilesWords(of: Percentiles): string {
  return (["p50", "p90", "p99", "p99.9", "max"] as const).map((name) => `${name} ${msOf(of[name])}`).join("  ");
}
