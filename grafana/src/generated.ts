/** All files that are made of this folder's sources, by their path in it. */
import { stringify } from "yaml";
import { dashboards } from "./dashboards/index.ts";
import { openSlos } from "./open-slo.ts";
import { buildDashboard } from "./panels.ts";
import { ruleGroups } from "./rules/rule-groups.ts";

const head = "# Made by `node grafana/src/main.ts`: change the sources beside it.\n";

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...dashboards.map((dashboard): [string, string] => [
      `dashboards/${dashboard.name}.json`,
      `${JSON.stringify(buildDashboard(dashboard), undefined, 2)}\n`,
    ]),
    ["alerts/qpq-server.yaml", head + yaml(ruleGroups())],
    ["slo/qpq-server.yaml", head + openSlos().map(yaml).join("---\n")],
  ]);
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0 });
}
