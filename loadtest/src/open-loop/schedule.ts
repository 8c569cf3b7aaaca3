/**
 * When each action of an open loop is due: drawn before the load begins, by a seed, so that no answer, however slow, can
 * move what comes after it. That is what keeps coordinated omission out of the figures (Gil Tene, "How NOT to Measure
 * Latency", 2013; http://hdrhistogram.org): a load that waits for its answers asks least where the server is slowest.
 */
export type Spacing =
  /** As of many people who don't know of each other: gaps are exponential. */
  | "poisson"
  /** All gaps alike. */
  | "even";

/** The rate goes from one value to the other in a straight line. */
export type Phase = { readonly seconds: number; readonly fromPerSecond: number; readonly toPerSecond: number };

export type ScheduleOptions = {
  readonly phases: readonly Phase[];
  /** Before the first phase, at its first rate: due times below 0. */
  readonly warmUpSeconds: number;
  readonly spacing: Spacing;
  readonly seed: number;
};

/** Which of all actions one of several drivers does; together they do each once. */
export type Share = { readonly driver: number; readonly drivers: number };

const whole: Share = { driver: 0, drivers: 1 };

/**
 * Due times in ms from the end of the warm-up, ascending. Each is where the integral of the rate reaches the next sum of
 * gaps of mean 1 (inversion; Devroye, Non-Uniform Random Variate Generation, VI.1.3).
 */
export function* dueTimesMs(
  options: ScheduleOptions,
  { driver, drivers }: Share = whole,
): Generator<number, void, void> {
  const gap = gapsOf(options);
  let due = options.spacing === "even" ? 0.5 : gap();
  let n = 0;
  for (const { startMs, phase } of phasesOf(options)) {
    const expected = expectedOf(phase);
    for (; due < expected; due += gap(), n++) {
      if (n % drivers === driver) yield startMs + timeOf(due, phase) * 1_000;
    }
    due -= expected;
  }
}

/** Of the phases, without the warm-up. */
export function durationSecondsOf(phases: readonly Phase[]): number {
  return phases.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** How many actions are due, on average; without the warm-up. */
export function expectedCountOf(phases: readonly Phase[]): number {
  return phases.reduce((sum, phase) => sum + expectedOf(phase), 0);
}

function phasesOf({ phases, warmUpSeconds }: ScheduleOptions): readonly { startMs: number; phase: Phase }[] {
  const rate = phases[0]?.fromPerSecond ?? 0;
  const all: readonly Phase[] = [{ seconds: warmUpSeconds, fromPerSecond: rate, toPerSecond: rate }, ...phases];
  let startMs = -warmUpSeconds * 1_000;
  return all.map((phase) => {
    const placed = { startMs, phase };
    startMs += phase.seconds * 1_000;
    return placed;
  });
}

function expectedOf({ seconds, fromPerSecond, toPerSecond }: Phase): number {
  return (seconds * (fromPerSecond + toPerSecond)) / 2;
}

/** Seconds into the phase at which so many are due: the root of a quadratic, in the form that a flat rate does not upset. */
function timeOf(count: number, { seconds, fromPerSecond, toPerSecond }: Phase): number {
  const slope = (toPerSecond - fromPerSecond) / seconds;
  return (2 * count) / (fromPerSecond + Math.sqrt(Math.max(0, fromPerSecond ** 2 + 2 * slope * count)));
}

function gapsOf({ spacing, seed }: ScheduleOptions): () => number {
  if (spacing === "even") return () => 1;
  const random = randomOf(seed);
  return () => -Math.log(1 - random());
}

/** From 0 to below 1: a Weyl sequence through the mixer of MurmurHash3, the shape of SplitMix (Steele, Lea, Flood, 2014). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
