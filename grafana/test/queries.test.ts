/** Queries of dashboards and rules, by the grammar and by name; prometheus.test.ts runs them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildDashboard } from "../src/panels.ts";
import { dashboards } from "../src/dashboards/index.ts";
import { ruleGroups } from "../src/rules/rule-groups.ts";
import { alertExpressions, dashboardQueries, errorsOf, metricsOf, recordingExpressions } from "./promql.ts";

const all = [...dashboardQueries(), ...alertExpressions(), ...recordingExpressions()];

test("every query is PromQL", () => {
  assert.notDeepEqual(errorsOf("sum(rate(x[5m])"), [], "the grammar says of a fault that it is one");
  for (const { where, expr } of all) assert.deepEqual(errorsOf(expr), [], where);
});

test("every metric named is one of docs/metrics.md, or recorded by a rule", () => {
  const doc = readFileSync(fileURLToPath(new URL("../../docs/metrics.md", import.meta.url)), "utf8");
  const known = new Set(["up"]);
  for (const [, name = "", kind = ""] of doc.matchAll(/^\| `(\w+)` \| (\w+)/gm)) {
    known.add(name);
    if (kind === "histogram") for (const part of ["bucket", "sum", "count"]) known.add(`${name}_${part}`);
  }
  for (const rule of ruleGroups().groups.flatMap(({ rules }) => rules)) if ("record" in rule) known.add(rule.record);
  for (const { where, expr } of all) {
    const metrics = metricsOf(expr);
    assert.ok(metrics.length > 0, where);
    assert.deepEqual(
      metrics.filter((name) => !known.has(name)),
      [],
      where,
    );
  }
});

test("dashboards have ids of their own, and every panel says what it shows", () => {
  const built = dashboards.map(buildDashboard);
  assert.equal(new Set(built.map(({ uid }) => uid)).size, dashboards.length);
  for (const { title, panels = [] } of built) {
    for (const panel of panels) {
      if (panel.type === "row") continue;
      assert.ok("description" in panel && (panel.description ?? "").length > 5, `${title}: ${panel.title}`);
      assert.ok("targets" in panel && (panel.targets ?? []).length > 0, `${title}: ${panel.title}`);
    }
  }
});
