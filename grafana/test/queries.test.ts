/** Queries of dashboards and rules, by the grammar and by name; prometheus.test.ts runs them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildDashboard } from "../src/panels.ts";
import { dashboards } from "../src/dashboards/index.ts";
import { alertExpressions, dashboardQueries, errorsOf, metricsOf, recordingExpressions, unknownOf } from "./promql.ts";

const all = [...dashboardQueries(), ...alertExpressions(), ...recordingExpressions()];

test("every query is PromQL", () => {
  assert.notDeepEqual(errorsOf("sum(rate(x[5m])"), [], "the grammar says of a fault that it is one");
  for (const { where, expr } of all) assert.deepEqual(errorsOf(expr), [], where);
});

test("every metric named is one of docs/metrics.md or loadtest/k6/README.md, or recorded by a rule", () => {
  assert.deepEqual(unknownOf("rate(qpq_no_such_total[5m])"), ["qpq_no_such_total"]);
  for (const { where, expr } of all) {
    assert.ok(metricsOf(expr).length > 0, where);
    assert.deepEqual(unknownOf(expr), [], where);
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
