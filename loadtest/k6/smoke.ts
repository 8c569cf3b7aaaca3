/** Does everything work? Each action of the agent, one after the other, once a second for 10 s; nothing may fail. */
import type { Options } from "k6/options";
import { act, prepareActions } from "./lib/agent.ts";
import { constantArrivals } from "./lib/arrivals.ts";
import { common, nothingDropped } from "./lib/limits.ts";
import { numberSetting, secondsSetting } from "./lib/settings.ts";

export { handleSummary } from "./lib/summary.ts";

export const options: Options = {
  scenarios: {
    smoke: constantArrivals({
      action: "all",
      rate: numberSetting("RATE", 1),
      seconds: secondsSetting("DURATION", 10),
    }),
  },
  thresholds: { checks: ["rate==1"], qpq_failed: ["rate==0"], ...nothingDropped },
  ...common,
};

export function setup(): readonly string[] {
  return prepareActions();
}

export default function smoke(actions: readonly string[]): void {
  for (const action of actions) act(action);
}
