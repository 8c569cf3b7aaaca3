/** Ten times the usual rate within two seconds, and back: does it fail, and is it itself again afterwards? */
import type { Options } from "k6/options";
import { act, prepareActions } from "./lib/agent.ts";
import { constantArrivals, rampingArrivals } from "./lib/arrivals.ts";
import { common, limitsFor } from "./lib/limits.ts";
import { numberSetting, secondsSetting, textSetting } from "./lib/settings.ts";

export { handleSummary } from "./lib/summary.ts";

const action = textSetting("ACTION", "enqueue");
const rate = numberSetting("RATE", 200);
const peak = rate * numberSetting("FACTOR", 10);
/** Each of: before, at the peak, after. */
const seconds = secondsSetting("DURATION", 20);
const slope = Math.min(2, seconds / 4);
const p99Ms = numberSetting("P99_MS", 100);

export const options: Options = {
  scenarios: {
    spike: rampingArrivals({
      action,
      tags: { phase: "spike" },
      rate,
      stages: [
        { to: rate, seconds },
        { to: peak, seconds: slope },
        { to: peak, seconds },
        { to: rate, seconds: slope },
      ],
    }),
    // a slope more: what the peak left behind is done by then
    after: constantArrivals({ action, rate, seconds, from: 2 * seconds + 3 * slope, tags: { phase: "after" } }),
  },
  thresholds: {
    // late is allowed within the peak, lost is not
    ...limitsFor("phase:spike", { p99Ms: 20 * p99Ms, failedMax: 0.01 }),
    ...limitsFor("phase:after", { p99Ms, failedMax: 0 }),
  },
  ...common,
};

export function setup(): void {
  prepareActions([action]);
}

export default function spike(): void {
  act(action);
}
