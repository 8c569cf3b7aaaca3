/**
 * Where a value lies on an axis, and which round values are written there. Pure; refuses what has no place: NaN, infinities,
 * and on a logarithmic axis what is not above zero.
 */

/** date: of milliseconds since 1970, ticks on whole days in UTC. */
export type ScaleKind = "linear" | "log" | "date";

const dayMs = 86_400_000;

export type Scale = {
  /** Ascending round values within [min, max]; some 4 to 9 of them. */
  readonly ticks: readonly number[];
  /** From 0 at the lower end to 1 at the upper; within that for every value the scale was made of. */
  readonly at: (value: number) => number;
};

const ticksWanted = 5;

/** Of all values that will be asked for; none are needed. A linear scale begins at zero where fromZero is set. */
export function scaleOf(kind: ScaleKind, values: readonly number[], fromZero = false): Scale {
  for (const value of values) {
    if (!Number.isFinite(value)) throw new RangeError(`a plot has no place for ${value}`);
    if (kind === "log" && value <= 0) throw new RangeError(`a logarithmic axis has no place for ${value}`);
  }
  // not Math.min(...values): a long run has more points than a call may have arguments
  let low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  let high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (values.length === 0) [low, high] = kind === "log" ? [1, 10] : [0, 1];
  if (kind === "log") return logScale(low, high);
  if (kind === "linear") return linearScale(fromZero ? Math.min(0, low) : low, high);
  const days = linearScale(Math.floor(low / dayMs), Math.ceil(high / dayMs), 1);
  return { ticks: days.ticks.map((day) => day * dayMs), at: (value) => days.at(value / dayMs) };
}

function linearScale(low: number, high: number, stepMin = 0): Scale {
  // a single value gets room on both sides, or above if it is zero; so do those that a double hardly tells apart
  const greatest = Math.max(Math.abs(low), Math.abs(high));
  const isSingle = high - low <= greatest * 1e-9;
  const room = isSingle || greatest < 1e-100 ? stepMin || (greatest < 1e-100 ? 1 : greatest / 2) : 0;
  const [min, max] = [low === 0 ? 0 : low - room, high + room];
  const step = Math.max(stepMin, roundStep((max - min) / ticksWanted));
  const first = Math.floor(min / step);
  const last = Math.ceil(max / step);
  // by multiplication: sums of 0.1 drift
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [from, to] = [first * step, last * step];
  return { ticks, at: (value) => clamp((value - from) / (to - from)) };
}

function logScale(low: number, high: number): Scale {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const decades = last - first;
  const everyDecades = Math.ceil(decades / 8);
  const ticks: number[] = [];
  for (let exponent = first; exponent <= last; exponent += everyDecades) {
    const within = decades <= 2 && exponent < last ? [1, 2, 5] : [1];
    for (const digit of within) ticks.push(Number(`${digit}e${exponent}`));
  }
  return { ticks, at: (value) => clamp((Math.log10(value) - first) / decades) };
}

/** 1, 2 or 5 times a power of ten, not below the step that is asked for. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const digit = [1, 2, 5, 10].find((each) => each * power >= step * (1 - 1e-9)) ?? 10;
  return digit * power;
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share));

const suffixes = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** Three significant digits and a suffix for thousands: 1.5k, 20M, 0.25. */
export function shortNumber(value: number): string {
  for (const [size, suffix] of suffixes) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))}${suffix}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Of milliseconds since 1970: 2026-11-26. */
export function shortDate(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
