/** All rules, as the one file for Prometheus has them. */
import { burnAlerts, ratioRules } from "./burn-rate.ts";
import { causeAlerts } from "./cause-alerts.ts";
import { type AlertRule, type RecordingRule, rangeOf } from "./rule.ts";

export type RuleGroups = {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly (RecordingRule | AlertRule)[];
  }[];
};

/** `shrink`: every window and every `for` is so many times shorter, for tests; the thresholds stay. */
export function ruleGroups(shrink = 1): RuleGroups {
  const range = rangeOf(shrink);
  return {
    groups: [
      { name: "qpq-server-objectives", rules: [...ratioRules(range), ...burnAlerts(range)] },
      { name: "qpq-server-causes", rules: causeAlerts(shrink) },
    ],
  };
}

export function alertsOf({ groups }: RuleGroups): AlertRule[] {
  return groups.flatMap(({ rules }) => rules).filter((rule): rule is AlertRule => "alert" in rule);
}
