/** When iterations of a scenario are due, in ms behind its start: known before, whatever the answers are. */
import type { Scenario } from "./options.ts";

export function* arrivalsOf({ parts }: Pick<Scenario, "parts">): Generator<number> {
  let beganMs = 0;
  /** Due before this part, and the fraction of the next one that has come together. */
  let fraction = 0;
  for (const { from, to, ms } of parts) {
    const slope = (to - from) / ms;
    const inAll = fraction + ((from + to) / 2) * ms;
    // the first of a run is due at once, as an iteration 0
    for (let n = fraction === 0 ? 0 : 1; n < inAll; n++) yield beganMs + timeOf(n - fraction, from, slope);
    fraction = inAll % 1;
    beganMs += ms;
  }
}

/** When `count` have come together: the area below a rate that begins at `from` and changes by `slope`. */
function timeOf(count: number, from: number, slope: number): number {
  if (Math.abs(slope) < 1e-12) return count / from;
  return (Math.sqrt(from * from + 2 * slope * count) - from) / slope;
}
