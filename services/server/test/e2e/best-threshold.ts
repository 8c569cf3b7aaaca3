/**
 * How well one number tells two groups apart: by the threshold, and its side, that does best on one half of what was
 * measured, judged on the other half, and the other way round. So nothing is judged by what it was chosen on, and groups
 * that are alike come out at a half, give or take chance: with 2,000 of each a standard deviation of 0.8 %.
 */

/** The share that is told right, from 0 to 1. Both have the same number of values, in the order they were measured in. */
export function shareToldApart(one: readonly number[], other: readonly number[]): number {
  // every second: the machine is as busy in one half as in the other
  const halves = [0, 1].map((odd) => labelled(one, other, odd)) as [Labelled[], Labelled[]];
  const right = rightOf(halves[1], bestThreshold(halves[0])) + rightOf(halves[0], bestThreshold(halves[1]));
  return right / (one.length + other.length);
}

type Labelled = { readonly value: number; readonly isOne: boolean };
/** `isOne`: of values above it. */
type Threshold = { readonly value: number; readonly isOne: boolean };

function labelled(one: readonly number[], other: readonly number[], odd: number): Labelled[] {
  const half = (values: readonly number[], isOne: boolean): Labelled[] =>
    values.filter((_, i) => i % 2 === odd).map((value) => ({ value, isOne }));
  return [...half(one, true), ...half(other, false)];
}

function rightOf(values: readonly Labelled[], { value: threshold, isOne: above }: Threshold): number {
  return values.filter(({ value, isOne }) => value > threshold === (isOne === above)).length;
}

function bestThreshold(values: readonly Labelled[]): Threshold {
  const sorted = values.toSorted((a, b) => a.value - b.value);
  let onesBelow = 0;
  let best: Threshold & { readonly lead: number } = { value: Number.NEGATIVE_INFINITY, isOne: true, lead: 0 };
  for (const [i, { value, isOne }] of sorted.entries()) {
    if (isOne) onesBelow++;
    if (sorted[i + 1]?.value === value) continue;
    // of both groups there are as many: more of one below it are as many more of the other above it
    const lead = onesBelow - (i + 1 - onesBelow);
    if (Math.abs(lead) > best.lead) best = { value, isOne: lead < 0, lead: Math.abs(lead) };
  }
  return best;
}
