/** A report of a trial in words. */
import type { TrialReport } from "./trial.ts";

export function describeTrial(report: TrialReport): string[] {
  const { seed, acknowledged, received, commits, carriedOut, foundBy, refused, worstMs, calmWorstMs } = report;
  return [
    `seed ${seed}: ${acknowledged} messages acknowledged, ${received} received, ${commits} commits of groups`,
    `faults: ${wordsOf(carriedOut)}`,
    `waiting readers found something by: ${wordsOf(foundBy)}`,
    `refused for now: ${wordsOf(refused)}`,
    `longest way of a message: ${worstMs} ms, ${calmWorstMs} ms while nothing was broken`,
    `found: ${wordsOf(report.found)}`,
  ];
}

function wordsOf(counts: Readonly<Record<string, number | undefined>>): string {
  const words = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return words.join(", ") || "none";
}
