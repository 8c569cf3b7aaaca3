/**
 * Multi-window, multi-burn-rate alerts (Google, The Site Reliability Workbook, chapter 5): the long window says that it
 * matters, the short one that it still goes on. A burn rate of 1 uses up the budget in just 30 days.
 */
import { budgetOf, missedRatio, type Objective, objectives } from "../objectives.ts";
import { type AlertRule, day, hour, minute, type Range, type RecordingRule, runbookOf, type Severity } from "./rule.ts";

type Burn = {
  readonly rate: number;
  readonly longSeconds: number;
  readonly shortSeconds: number;
};

/** With what each says: 2 % of the budget in 1 h, 5 % in 6 h; 10 % in 1 d, and in 3 d. */
const burns: Readonly<Record<Severity, readonly Burn[]>> = {
  page: [
    { rate: 14.4, longSeconds: hour, shortSeconds: 5 * minute },
    { rate: 6, longSeconds: 6 * hour, shortSeconds: 30 * minute },
  ],
  ticket: [
    { rate: 3, longSeconds: day, shortSeconds: 2 * hour },
    { rate: 1, longSeconds: 3 * day, shortSeconds: 6 * hour },
  ],
};

const windows = [...new Set(Object.values(burns).flatMap((all) => all.flatMap((burn) => windowsOf(burn))))];

function windowsOf({ longSeconds, shortSeconds }: Burn): readonly number[] {
  return [longSeconds, shortSeconds];
}

/** The share of calls that missed `slo`, over a window. The name keeps the window's true length, whatever `range` makes of it. */
export function ratioName(seconds: number): string {
  const unit = seconds % day === 0 ? "d" : seconds % hour === 0 ? "h" : "m";
  return `qpq_slo:missed:ratio_rate${seconds / { d: day, h: hour, m: minute }[unit]}${unit}`;
}

export function ratioRules(range: Range): RecordingRule[] {
  return objectives.flatMap((objective) =>
    windows.map((seconds) => ({
      record: ratioName(seconds),
      expr: missedRatio(objective, range(seconds)),
      labels: { slo: objective.name },
    })),
  );
}

export function burnAlerts(range: Range): AlertRule[] {
  return objectives.flatMap((objective) =>
    (["page", "ticket"] as const).map((severity) => ({
      alert: objective.alert,
      expr: burns[severity].map((burn) => burnExpression(objective, burn)).join(" or "),
      for: range(severity === "page" ? 2 * minute : 15 * minute),
      labels: { severity, slo: objective.name },
      annotations: {
        summary: `${objective.title}: too many calls of {{ $labels.job }} miss it.`,
        description:
          `${objective.says} ${objective.target * 100} % of the calls in 30 days must; at this rate the rest is used up ` +
          (severity === "page" ? "within 5 days." : "before the 30 days are over."),
        runbook: runbookOf(objective.alert),
      },
    })),
  );
}

function burnExpression(objective: Objective, burn: Burn): string {
  const slo = `{slo="${objective.name}"}`;
  const threshold = `${burn.rate} * ${budgetOf(objective)}`;
  return `(${windowsOf(burn)
    .map((seconds) => `${ratioName(seconds)}${slo} > ${threshold}`)
    .join(" and ")})`;
}
