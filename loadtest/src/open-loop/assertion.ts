/** `--assert 'p99<50ms'`: what a load shall have measured, or the command fails. */
import { QpqError } from "quicproquo-proto";
import { nearestName } from "../nearest-name.ts";
import { type Metric, type MetricName, metrics } from "./metrics.ts";
import type { LoadResult } from "./result.ts";

export type Assertion = {
  readonly text: string;
  readonly metric: MetricName;
  readonly operator: keyof typeof operators;
  readonly limit: number;
  /** The limit is a share of what was offered. */
  readonly isPercent: boolean;
};

const operators = {
  "<=": (value: number, limit: number) => value <= limit,
  ">=": (value: number, limit: number) => value >= limit,
  "<": (value: number, limit: number) => value < limit,
  ">": (value: number, limit: number) => value > limit,
  "=": (value: number, limit: number) => value === limit,
} as const;

/** E048_USAGE names what is wrong, and what was probably meant. */
export function parseAssertion(text: string): Assertion {
  const [, name = "", operator, number, unit = ""] =
    /^\s*([a-z][a-z0-9.]*)\s*(<=|>=|<|>|=)\s*(\d+(?:\.\d+)?)\s*([a-z/%]*)\s*$/.exec(text) ?? [];
  if (operator === undefined || number === undefined) {
    throw usage(
      text,
      "it is METRIC, one of < <= > >= =, and a number, as in p99<50ms, errors=0, errors<0.1%, rate>950",
    );
  }
  if (!Object.hasOwn(metrics, name)) {
    const near = nearestName(name, Object.keys(metrics));
    const meant = near === undefined ? `they are ${Object.keys(metrics).join(", ")}` : `did you mean ${near}?`;
    throw usage(text, `there is no metric ${name}; ${meant}`);
  }
  const metric: Metric = metrics[name as MetricName];
  const isPercent = unit === "%" && metric.whole !== undefined;
  const factor = isPercent ? 1 : metric.units[unit];
  if (factor === undefined) {
    const units = [...Object.keys(metric.units).filter((each) => each !== ""), ...(metric.whole ? ["%"] : [])];
    throw usage(text, `${name} is in ${units.join(", ") || "no unit"}, not in ${unit}`);
  }
  const limit = Number(number) * factor;
  return { text, metric: name as MetricName, operator: operator as keyof typeof operators, limit, isPercent };
}

/** undefined: it holds. A percentile of nothing holds for nobody: a load without an answer has no latency. */
export function failureOf(assertion: Assertion, result: LoadResult): string | undefined {
  const metric: Metric = metrics[assertion.metric];
  const value = metric.of(result);
  const whole = metric.whole?.(result) ?? 0;
  const measured = assertion.isPercent ? (whole === 0 ? 0 : (100 * value) / whole) : value;
  const isMeasured = metric.whole !== undefined || assertion.metric === "rate" || result.done > 0;
  if (isMeasured && operators[assertion.operator](measured, assertion.limit)) return undefined;
  const unit = assertion.isPercent ? " %" : ` ${Object.keys(metric.units)[0]}`;
  const told = isMeasured ? `${Number(measured.toFixed(3))}${unit}`.trimEnd() : "nothing measured: no action was done";
  return `${assertion.text}: ${told}`;
}

function usage(assertion: string, text: string): QpqError {
  return new QpqError("E048_USAGE", { text: `--assert ${assertion}: ${text}` });
}
