/** Does one thing for many, a few at a time, so that what it sets off elsewhere does not come in one moment. */
import { setTimeout as pause } from "node:timers/promises";

const stepMs = 20;

/** Evenly over `ms`; those of the first step, or all where it is no longer than that, before it returns. */
export async function spread<T>(all: readonly T[], ms: number, act: (one: T) => void): Promise<void> {
  const steps = Math.max(1, Math.floor(ms / stepMs));
  for (let step = 0; step < steps; step++) {
    const from = Math.floor((all.length * step) / steps);
    const to = Math.floor((all.length * (step + 1)) / steps);
    for (const one of all.slice(from, to)) act(one);
    if (to === all.length) return;
    await pause(stepMs);
  }
}
