/**
 * Scenarios in which actions begin when they are due, however long earlier ones take: k6's arrival rates. What is due
 * while no VU is free is not begun: k6 counts it in dropped_iterations, which every script allows none of.
 */
import type { ConstantArrivalRateScenario, RampingArrivalRateScenario } from "k6/options";
import { numberSetting } from "./settings.ts";

/** Of one scenario. A VU holds one action at a time, and some MB of memory. */
const vusMax = numberSetting("VUS_MAX", 1_000);
/** So long an action may take before VUs run out, in seconds: rate times this is how many there are (Little's law). */
const secondsHeld = numberSetting("SECONDS_HELD", 0.5);

type What = {
  readonly action: string;
  readonly tags?: Readonly<Record<string, string>>;
};

type Constant = What & {
  /** Actions a second; below 1 too. */
  readonly rate: number;
  readonly seconds: number;
  /** Seconds behind the start of the run. Default 0. */
  readonly from?: number;
};

export function constantArrivals({ rate, seconds, from = 0, ...what }: Constant): ConstantArrivalRateScenario {
  return {
    executor: "constant-arrival-rate",
    rate: perMinute(rate),
    timeUnit: "1m",
    duration: inSeconds(seconds),
    startTime: inSeconds(from),
    ...common(what, rate),
  };
}

type Ramp = What & {
  /** Actions a second at the start. */
  readonly rate: number;
  /** From stage to stage the rate goes straight to `to`. */
  readonly stages: readonly { readonly to: number; readonly seconds: number }[];
};

export function rampingArrivals({ rate, stages, ...what }: Ramp): RampingArrivalRateScenario {
  return {
    executor: "ramping-arrival-rate",
    startRate: perMinute(rate),
    timeUnit: "1m",
    stages: stages.map(({ to, seconds }) => ({ target: perMinute(to), duration: inSeconds(seconds) })),
    ...common(what, Math.max(rate, ...stages.map(({ to }) => to))),
  };
}

function common({ action, tags = {} }: What, rateMax: number) {
  return {
    env: { ACTION: action },
    tags: { action, ...tags },
    // k6 could make more within the run, but drops what is due meanwhile
    preAllocatedVUs: Math.min(vusMax, Math.ceil(rateMax * secondsHeld) + 1),
    gracefulStop: "10s",
  };
}

/** k6 takes whole numbers; a minute makes 0.02 a second one. */
function perMinute(rate: number): number {
  return Math.max(1, Math.round(rate * 60));
}

function inSeconds(seconds: number): string {
  return `${Math.round(seconds * 1_000)}ms`;
}
