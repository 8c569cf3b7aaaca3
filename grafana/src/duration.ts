/** Times in PromQL. */

const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** 300 -> "5m", 5,400 -> "90m": the largest unit that fits without a rest. At least 1 s. */
export function durationText(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  for (const [unit, size] of units) if (whole % size === 0) return `${whole / size}${unit}`;
  return `${whole}s`;
}
