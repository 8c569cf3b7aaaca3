/**
 * Where does it bend? One action at a rate that doubles from step to step, each step with figures of its own; the run ends
 * where a step's limits don't hold, and then k6 says so by its exit code: the step before is what the server carries.
 */
import type { Options } from "k6/options";
import { act, prepareActions } from "./lib/agent.ts";
import { constantArrivals } from "./lib/arrivals.ts";
import { common, limitsForAll } from "./lib/limits.ts";
import { numberSetting, secondsSetting, textSetting } from "./lib/settings.ts";

export { handleSummary } from "./lib/summary.ts";

const action = textSetting("ACTION", "enqueue");
const seconds = secondsSetting("DURATION", 30);
const firstRate = numberSetting("RATE", 250);
const rates = Array.from({ length: numberSetting("STEPS", 6) }, (_, step) => firstRate * 2 ** step);
// a step that cannot be sent is as much an end as one that is not answered
const allBegun = { threshold: "count==0", abortOnFail: true };

export const options: Options = {
  scenarios: Object.fromEntries(
    rates.map((rate, step) => {
      const tags = { step: String(rate) };
      return [`step_${step + 1}`, constantArrivals({ action, rate, seconds, from: step * seconds, tags })];
    }),
  ),
  thresholds: {
    dropped_iterations: [allBegun],
    ...limitsForAll(
      rates.map((rate) => `step:${rate}` as const),
      (step) => ({
        p99Ms: numberSetting("P99_MS", 500),
        failedMax: 0.01,
        // the first third of a step is for what was begun before it
        abort: { afterSeconds: (step + 1 / 3) * seconds },
      }),
    ),
  },
  ...common,
};

export function setup(): void {
  prepareActions([action]);
}

export default function stress(): void {
  act(action);
}
