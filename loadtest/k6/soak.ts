/**
 * Does it last? One action at a constant rate for long; each quarter of the run has figures of its own, and the last should
 * be like the second. What grows in the server meanwhile its own /metrics say.
 */
import type { Options } from "k6/options";
import { act, prepareActions } from "./lib/agent.ts";
import { constantArrivals } from "./lib/arrivals.ts";
import { common, limitsForAll, nothingDropped } from "./lib/limits.ts";
import { numberSetting, secondsSetting, textSetting } from "./lib/settings.ts";

export { handleSummary } from "./lib/summary.ts";

const action = textSetting("ACTION", "enqueue");
const rate = numberSetting("RATE", 200);
const seconds = secondsSetting("DURATION", 30 * 60) / 4;
const limits = { p99Ms: numberSetting("P99_MS", 100), failedMax: 0.0001 };
const quarters = ["first", "second", "third", "last"] as const;

export const options: Options = {
  scenarios: Object.fromEntries(
    quarters.map((phase, i) => [
      phase,
      constantArrivals({ action, rate, seconds, from: i * seconds, tags: { phase } }),
    ]),
  ),
  thresholds: {
    ...limitsForAll(
      quarters.map((phase) => `phase:${phase}` as const),
      () => limits,
    ),
    ...nothingDropped,
  },
  ...common,
};

export function setup(): void {
  prepareActions([action]);
}

export default function soak(): void {
  act(action);
}
