/** The load that is expected: a mix of actions at a constant rate. Does it stay within its limits? */
import type { Options } from "k6/options";
import { act, prepareActions } from "./lib/agent.ts";
import { constantArrivals } from "./lib/arrivals.ts";
import { common, limitsFor, nothingDropped } from "./lib/limits.ts";
import { numberSetting, secondsSetting } from "./lib/settings.ts";

export { handleSummary } from "./lib/summary.ts";

/** Of RATE actions a second, so many of each. */
const mix = { enqueue: 0.9, "ping-pong": 0.08, "fan-out": 0.01, blob: 0.01 };
const rate = numberSetting("RATE", 500);
const seconds = secondsSetting("DURATION", 60);
const p99Ms = numberSetting("P99_MS", 100);

export const options: Options = {
  scenarios: Object.fromEntries(
    Object.entries(mix).map(([action, share]) => [action, constantArrivals({ action, rate: rate * share, seconds })]),
  ),
  thresholds: {
    ...limitsFor("action:enqueue", { p99Ms, failedMax: 0.001 }),
    // two messages, one behind the other
    ...limitsFor("action:ping-pong", { p99Ms: 2 * p99Ms, failedMax: 0.001 }),
    // many rows, many bytes
    ...limitsFor("action:fan-out", { p99Ms: 10 * p99Ms, failedMax: 0.001 }),
    ...limitsFor("action:blob", { p99Ms: 10 * p99Ms, failedMax: 0.001 }),
    ...nothingDropped,
  },
  ...common,
};

export function setup(): void {
  prepareActions(Object.keys(mix));
}

export default function load(): void {
  act(__ENV["ACTION"] as string);
}
