/** The store limits of every crash trial: none of them is to be met in it. */
import type { StoreLimits } from "../../src/store/port.ts";

export const limits: StoreLimits = {
  queueDepthMax: 1_000_000,
  dedupeWindowMs: 3_600_000,
  groupLifeMs: 3_600_000,
  appendsInFlightMax: 10_000,
};
