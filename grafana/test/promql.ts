/** PromQL as the grammar of Prometheus reads it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { dashboards } from "../src/dashboards/index.ts";
import { alertsOf, ruleGroups } from "../src/rules/rule-groups.ts";

/** A query, and where it comes from. */
export type Named = { readonly where: string; readonly expr: string };

export function dashboardQueries(): Named[] {
  return dashboards.flatMap(({ title, rows }) =>
    rows.flatMap(({ panels }) =>
      panels.flatMap((panel) =>
        panel.queries.map(({ expr }) => ({ where: `${title}: ${panel.title}`, expr: withValues(expr) })),
      ),
    ),
  );
}

export function alertExpressions(): Named[] {
  return alertsOf(ruleGroups()).map(({ alert, labels, expr }) => ({ where: `${alert} (${labels.severity})`, expr }));
}

export function recordingExpressions(): Named[] {
  return ruleGroups()
    .groups.flatMap(({ rules }) => rules)
    .flatMap((rule) => ("record" in rule ? [{ where: `${rule.record} ${rule.labels["slo"]}`, expr: rule.expr }] : []));
}

/** Grafana's variables as it fills them in. */
function withValues(expr: string): string {
  return expr.replaceAll("$job", ".*").replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m");
}

/** Where the grammar finds an error. */
export function errorsOf(expr: string): string[] {
  return nodesOf(expr)
    .filter(({ type }) => type.isError)
    .map(({ from }) => expr.slice(0, from));
}

/** `name{label="value"}`, without range. */
export function selectorsOf(expr: string): string[] {
  return nodesOf(expr)
    .filter(({ name }) => name === "VectorSelector")
    .map(({ from, to }) => expr.slice(from, to));
}

export function metricsOf(expr: string): string[] {
  return selectorsOf(expr).map((selector) => selector.replace(/\{.*/s, ""));
}

/** Metrics in it that no page of docs knows and no rule records. */
export function unknownOf(expr: string): string[] {
  return metricsOf(expr).filter((name) => !known.has(name));
}

const known = knownMetrics();

function knownMetrics(): ReadonlySet<string> {
  const docs = ["docs/metrics.md", "loadtest/k6/README.md"].map((page) =>
    readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), "utf8"),
  );
  const names = new Set(["up"]);
  for (const [, name = "", kind = ""] of docs.join("\n").matchAll(/^\| `(\w+)` \| (\w+)/gm)) {
    names.add(name);
    if (kind === "histogram") for (const part of ["bucket", "sum", "count"]) names.add(`${name}_${part}`);
  }
  for (const rule of ruleGroups().groups.flatMap(({ rules }) => rules)) if ("record" in rule) names.add(rule.record);
  return names;
}

function nodesOf(expr: string): SyntaxNode[] {
  const nodes: SyntaxNode[] = [];
  parser.parse(expr).iterate({ enter: ({ node }) => void nodes.push(node) });
  return nodes;
}
