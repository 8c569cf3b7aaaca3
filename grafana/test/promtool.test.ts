/** Each alert fires for what it is about, with its labels and words, and keeps quiet otherwise: promtool's unit tests. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { durationText } from "../src/duration.ts";
import { alertsOf, ruleGroups } from "../src/rules/rule-groups.ts";
import { type AlertCase, alertCases, healthy } from "./alert-cases.ts";

const rulesFile = fileURLToPath(new URL("../alerts/qpq-server.yaml", import.meta.url));
const alerts = alertsOf(ruleGroups());
const names = [...new Set(alerts.map(({ alert }) => alert))];

function promtool(args: readonly string[]): { status: number | null; words: string } {
  const { status, stdout, stderr, error } = spawnSync("promtool", args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  return { status, words: stdout + stderr };
}

/** What promtool says of tests against a file of rules. */
function outcomeOf(rules: string, tests: readonly object[]): { status: number | null; words: string } {
  return inFile({ rule_files: [rules], evaluation_interval: "1m", tests }, (file) => promtool(["test", "rules", file]));
}

function inFile<Result>(content: object, use: (file: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "qpq-promtool-"));
  try {
    const file = join(folder, "file.yaml");
    // JSON is YAML
    writeFileSync(file, JSON.stringify(content));
    return use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function seriesOf(series: AlertCase["series"]): object[] {
  return Object.entries(series).map(([each, values]) => ({ series: each, values }));
}

function testOf({ name, alert, series, atSeconds, fires }: AlertCase): object {
  const expected = fires.map((labels) => ({ exp_labels: labels, exp_annotations: annotationsOf(alert, labels) }));
  return {
    name,
    interval: "1m",
    input_series: seriesOf(series),
    alert_rule_test: [{ alertname: alert, eval_time: durationText(atSeconds), exp_alerts: expected }],
  };
}

function annotationsOf(name: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const rule = alerts.find(({ alert, labels: { severity } }) => alert === name && severity === labels["severity"]);
  assert.ok(rule !== undefined, `there is no ${name} of severity ${labels["severity"]}`);
  return Object.fromEntries(
    Object.entries(rule.annotations).map(([key, text]) => [
      key,
      text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? `no label ${label}`),
    ]),
  );
}

test("every alert, in each of its severities, fires in some case", () => {
  const fired = new Set(alertCases.flatMap(({ alert, fires }) => fires.map(({ severity }) => `${alert} ${severity}`)));
  assert.deepEqual(
    alerts.map(({ alert, labels }) => `${alert} ${labels.severity}`).filter((each) => !fired.has(each)),
    [],
  );
});

test("promtool takes the rules, and finds every case to be as it says", () => {
  const checked = promtool(["check", "rules", rulesFile]);
  assert.equal(checked.status, 0, checked.words);
  const { status, words } = outcomeOf(rulesFile, alertCases.map(testOf));
  assert.equal(status, 0, words);
});

test("none fires for a server under load that lacks nothing", () => {
  const silent = ["30m", "8h"].flatMap((eval_time) =>
    names.map((alertname) => ({ alertname, eval_time, exp_alerts: [] })),
  );
  const { status, words } = outcomeOf(rulesFile, [
    { name: "healthy", interval: "1m", input_series: seriesOf(healthy), alert_rule_test: silent },
  ]);
  assert.equal(status, 0, words);
});

test("a case whose rule is gone fails", () => {
  const groups = [{ name: "empty", rules: [] }];
  const { status, words } = inFile({ groups }, (file) =>
    outcomeOf(file, alertCases.filter(({ fires }) => fires.length > 0).map(testOf)),
  );
  assert.equal(status, 1);
  for (const alert of names) assert.match(words, new RegExp(`alertname:\\s*${alert}\\b`), alert);
});
