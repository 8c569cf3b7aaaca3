/** The trial that CI runs for three minutes, and `npm run test:chaos` for longer. */
import { allLanes } from "./faults.ts";
import type { TrialOptions } from "./trial.ts";

/** Calm at the end: what comes late in it was not late by a fault. */
const calmMs = 30_000;

export function standardTrial({ seed, minutes }: { readonly seed: number; readonly minutes: number }): TrialOptions {
  return {
    seed,
    faultMs: minutes * 60_000 - calmMs,
    calmMs,
    lanes: allLanes,
    acknowledgedMin: 0,
    frontEnds: [{ workers: 1 }, { workers: 1 }, { workers: 2 }],
    load: {
      busyInboxes: 40,
      enqueuers: 8,
      batchers: 4,
      sessionSenders: 4,
      quietInboxes: 12,
      groups: 4,
      perSecond: 1_200,
    },
  };
}
