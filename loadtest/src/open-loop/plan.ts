/** What one load does, in full: a scenario with what the flags change. It stands in the result as it is here. */
import { limits, QpqError } from "quicproquo-proto";
import { nearestName } from "../nearest-name.ts";
import type { Action } from "./action.ts";
import { type ActionName, actions } from "./actions.ts";
import { type LoadName, type LoadScenario, loads } from "./loads.ts";
import { phasesOf } from "./rate.ts";
import { type Phase, type Spacing } from "./schedule.ts";

export type Plan = {
  readonly scenario: LoadName;
  readonly action: ActionName;
  readonly users: number;
  readonly connections: number;
  readonly phases: readonly Phase[];
  readonly warmUpSeconds: number;
  readonly spacing: Spacing;
  readonly seed: number;
  readonly payloadBytes: number;
  readonly recipients: number;
  readonly drivers: number;
  /** Of all drivers together. */
  readonly inFlightMax: number;
};

export type PlanFlags = Partial<
  Record<
    | "rate"
    | "duration"
    | "warm-up"
    | "users"
    | "connections"
    | "payload-bytes"
    | "recipients"
    | "spacing"
    | "seed"
    | "drivers"
    | "in-flight-max",
    string
  >
>;

export const inFlightMaxDefault = 10_000;
const secondsMax = 86_400;
const usersMax = 100_000;
const driversMax = 64;

/** E048_USAGE names what is wrong, and what was probably meant. */
export function planOf(name: string | undefined, flags: PlanFlags): Plan {
  const scenario: LoadScenario = loads[scenarioNamed(name)];
  const action: Action = actions[scenario.action];
  const whole = (flag: keyof PlanFlags, standing: number, [min, max]: readonly [number, number]): number => {
    const text = flags[flag];
    if (text === undefined) return standing;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new QpqError("E048_USAGE", { text: `--${flag} takes a whole number from ${min} to ${max}, not ${text}` });
  };
  const drivers = whole("drivers", 1, [1, driversMax]);
  const users = whole("users", Math.max(scenario.users, drivers), [1, usersMax]);
  if (users < drivers) throw new QpqError("E048_USAGE", { text: `--drivers ${drivers} need as many users` });
  const hasOwn = scenario.connections === 0;
  const connections = hasOwn ? 0 : Math.min(users, whole("connections", scenario.connections, [1, usersMax]));
  if (hasOwn && flags.connections !== undefined) {
    throw new QpqError("E048_USAGE", { text: `--connections: each user of ${name} has connections of its own` });
  }
  return {
    scenario: scenarioNamed(name),
    action: scenario.action,
    users,
    connections: hasOwn ? 0 : Math.max(drivers, connections),
    phases: phasesOf(flags.rate ?? scenario.rate, secondsOf("duration", flags.duration) ?? scenario.seconds),
    warmUpSeconds: secondsOf("warm-up", flags["warm-up"]) ?? scenario.warmUpSeconds,
    spacing: spacingOf(flags.spacing) ?? scenario.spacing,
    seed: whole("seed", 1, [0, 999_999_999]),
    payloadBytes: whole("payload-bytes", scenario.payloadBytes ?? action.defaults.payloadBytes, [
      1,
      limits.blobBytesMax.default,
    ]),
    recipients: whole("recipients", scenario.recipients ?? action.defaults.recipients, [1, 1_000]),
    drivers,
    inFlightMax: whole("in-flight-max", inFlightMaxDefault, [1, 1_000_000]),
  };
}

/** E048_USAGE with those that there are. */
function scenarioNamed(name: string | undefined): LoadName {
  if (name !== undefined && Object.hasOwn(loads, name)) return name as LoadName;
  const names = Object.keys(loads);
  const near = name === undefined ? undefined : nearestName(name, names);
  const meant = near === undefined ? `they are ${names.join(", ")}` : `did you mean ${near}?`;
  throw new QpqError("E048_USAGE", {
    text: name === undefined ? `name a scenario; ${meant}` : `there is no scenario ${name}; ${meant}`,
  });
}

/** 10, 10s, 5m, 1h; a fraction may stand in front. */
function secondsOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = "s"] = /^(\d{1,6}(?:\.\d{1,3})?)([smh])?$/.exec(text) ?? [];
  const seconds = Number(number) * { s: 1, m: 60, h: 3_600 }[unit as "s" | "m" | "h"];
  const isGood = seconds <= secondsMax && (seconds > 0 || flag === "warm-up");
  if (isGood) return seconds;
  throw new QpqError("E048_USAGE", { text: `--${flag} takes a time like 30s, 5m or 1h, at most 24h; not ${text}` });
}

function spacingOf(text: string | undefined): Spacing | undefined {
  if (text === undefined || text === "poisson" || text === "even") return text;
  throw new QpqError("E048_USAGE", { text: `--spacing is poisson or even, not ${text}` });
}
