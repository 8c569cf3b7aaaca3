/** Rules of Prometheus, as its rule files have them. */
import { durationText } from "../duration.ts";

export type RecordingRule = {
  readonly record: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
};

export type AlertRule = {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>> & { readonly severity: Severity };
  readonly annotations: Readonly<Record<"summary" | "description" | "runbook", string>>;
};

/** page: somebody is woken up. ticket: somebody looks on the next working day. */
export type Severity = "page" | "ticket";

/** A number of seconds as PromQL writes it; a test makes all of them shorter. */
export type Range = (seconds: number) => string;

export const minute = 60;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Every time divided by `shrink`. */
export function rangeOf(shrink: number): Range {
  return (seconds) => durationText(seconds / shrink);
}

/** Where an alert's page stands. */
export function runbookOf(alert: string): string {
  return `docs/runbooks/${alert}.md`;
}
