/** The page of published figures is what the reports make, says no number that they have not, and loses no scenario. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { filesAsTheyAre, madeFiles, readHistory, readReports } from "../src/publish/docs-folder.ts";
import { followedFigures, historyPlots } from "../src/publish/history-plots.ts";
import { type PageParts, pageOf } from "../src/publish/page.ts";
import { figuresDrawn, plotTable } from "../src/publish/plot-table.ts";
import { drawn } from "../src/publish/plots.ts";
import {
  readReport,
  readWholeReport,
  type StoredReport,
  wholeReportsOf,
  writeReport,
} from "../src/publish/stored-report.ts";
import { scenarios } from "../src/scenarios.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-publish-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A report of every name that the scenario promises; the n-th is n + 1. */
function reportOf(scenario: string, changes: Partial<StoredReport> = {}): StoredReport {
  const { figures, ratios } = scenarios[scenario]?.names ?? { figures: [], ratios: [] };
  const values = (names: readonly string[]) => Object.fromEntries(names.map((name, n) => [name, n + 1]));
  return {
    scenario,
    host: {
      cpu: "AMD EPYC 7763 64-Core Processor",
      cores: 2,
      memoryGiB: 8,
      kernel: "6.1.0",
      node: "v26",
      loadAverage: 0.1,
    },
    quick: false,
    measuredAt: "2026-11-26T12:00:00.000Z",
    commit: "0123456789",
    figures: values(figures),
    ratios: values(ratios),
    runs: 5,
    spread: {},
    notes: [],
    ...changes,
  };
}

const parts = (template: string, ...reports: readonly StoredReport[]): PageParts => ({
  template,
  reports: new Map(reports.map((report) => [report.scenario, report])),
  plots: new Map(),
  history: [],
});

test("docs/benchmarks.md and its plots are what `npm run bench -- publish` makes", () => {
  const made = madeFiles(readReports(), readHistory());
  const there = filesAsTheyAre();
  assert.deepEqual([...there.keys()].toSorted(), [...made.keys()].toSorted());
  // by lines: a difference in a long page is to be seen
  for (const [file, text] of made) assert.deepEqual(there.get(file)?.split("\n"), text.split("\n"), file);
});

test("the page can be made of no reports at all, and says how each is measured", () => {
  const page = madeFiles(new Map(), []).get("benchmarks.md") ?? "";
  for (const scenario of ["store", "delivery"]) {
    assert.ok(page.includes(`Not measured yet: \`npm run bench -- ${scenario}\``), scenario);
  }
  assert.doesNotMatch(page, /\{\{|undefined|NaN/);
});

test("a sentence has its number from the report, and none where there is none", () => {
  const figures = { ...reportOf("store").figures, embedded_enqueue_per_s_256: 9_123.4, embedded_enqueue_p50_ms: null };
  const report = reportOf("store", { figures, notes: ["embedded_enqueue_p50_ms: no clock"] });
  const template =
    "{{store.embedded_enqueue_per_s_256}}/s, p50 {{store.embedded_enqueue_p50_ms}}\n\n{{rpc.encode_ns_240}} ns\n\nend";
  assert.equal(pageOf(parts(template, report)), "9,123/s, p50 (not measured)\n\nend\n");
  assert.match(pageOf(parts("{{section store}}", report)), /\| embedded_enqueue_p50_ms \| not measured \| no clock \|/);
});

test("every sentence of the page is about figures that are promised", () => {
  const all = new Map(Object.keys(scenarios).map((scenario) => [scenario, reportOf(scenario)]));
  assert.doesNotMatch(madeFiles(all, []).get("benchmarks.md") ?? "", /not measured/i);
});

test("a sentence about a figure or a scenario that there is not is refused", () => {
  assert.throws(() => pageOf(parts("{{stores.embedded_enqueue_per_s_256}}")), /scenario stores/);
  assert.throws(
    () => pageOf(parts("{{store.embedded_enqueue_per_s}}", reportOf("store"))),
    /store\.embedded_enqueue_per_s, which no scenario promises/,
  );
  assert.throws(() => pageOf(parts("{{section stores}}")), /scenario stores/);
});

test("a report whose scenario the template does not name stands on the page all the same", () => {
  const page = pageOf(parts("{{section store}}\n{{rest}}", reportOf("store"), reportOf("transport")));
  assert.ok(page.includes("## transport"));
  assert.ok(!page.includes("## store"));
});

test("a quick report is marked, and notes stay words", () => {
  const page = pageOf(
    parts("{{section store}}", reportOf("store", { quick: true, notes: ["a <b> | {{store.x}} *_1"] })),
  );
  assert.match(page, /--quick`, \*\*quick\*\*/);
  assert.ok(page.includes("- a &lt;b> \\| { {store.x}} \\*\\_1"));
  const link = pageOf(parts("{{section store}}", reportOf("store", { notes: ["see https://a.example/b_c, d_e"] })));
  assert.ok(link.includes("- see `https://a.example/b_c`, d\\_e"));
});

test("what a scenario found wanting stands before its figures", () => {
  const page = pageOf(parts("{{section store}}", reportOf("store", { failures: ["3 messages lost"] })));
  assert.match(page, /- \*\*Failed\*\*: 3 messages lost\n\n\| figure/);
});

test("plots draw figures that their scenarios promise, and are left out where nothing was measured", () => {
  for (const [plot, scenario, figure] of figuresDrawn) {
    assert.ok(scenarios[scenario]?.names.figures.includes(figure), `${plot} draws ${scenario}.${figure}`);
  }
  const all = drawn(new Map(Object.keys(scenarios).map((scenario) => [scenario, reportOf(scenario)])));
  // series are no names, and not in these reports
  const undrawn = Object.keys(plotTable).filter((name) => !all.has(name) && !name.startsWith("soak-"));
  assert.deepEqual(undrawn, []);
  const figures = Object.fromEntries(Object.keys(reportOf("store").figures).map((name) => [name, null]));
  assert.equal(drawn(new Map([["store", reportOf("store", { figures })]])).size, 0);
});

test("the history follows figures that their scenarios promise, a line a machine", () => {
  for (const [scenario, figures] of Object.entries(followedFigures)) {
    const { names } = scenarios[scenario] ?? { names: { figures: [], ratios: [] } };
    for (const figure of figures)
      assert.ok([...names.figures, ...names.ratios].includes(figure), `${scenario}.${figure}`);
  }
  const line = {
    commit: "a",
    quick: true,
    scenario: "store",
    figure: "embedded_vs_direct_8x32",
    median: 1,
    min: 1,
    max: 1,
  };
  const dates = ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"];
  const lines = dates.map((date, i) => ({ ...line, date, host: i % 2 === 0 ? "one" : "other" }));
  const [plot, ...others] = historyPlots(lines);
  assert.deepEqual(others, []);
  assert.equal(plot?.svg.match(/<polyline/g)?.length, 2);
  assert.equal(plot?.svg.match(/<circle/g)?.length, 4);
});

test("a report is read from its file or from what --json printed; one that lacks a name is not published", () => {
  const file = join(folder, "store.json");
  writeReport(file, reportOf("store"));
  assert.deepEqual(readWholeReport(file), reportOf("store"));
  writeFileSync(file, `> words of npm\n${JSON.stringify(reportOf("store"))}\n`);
  assert.deepEqual(readWholeReport(file), reportOf("store"));
  writeReport(file, reportOf("store", { ratios: {} }));
  assert.deepEqual(readReport(file).ratios, {});
  assert.throws(() => readWholeReport(file), /ratios lack embedded_vs_direct_8x32.*Run store again/);
  const other = join(folder, "other.json");
  writeReport(other, reportOf("store"));
  const said: string[] = [];
  assert.deepEqual(
    wholeReportsOf([file, other], (text) => said.push(text)),
    [reportOf("store")],
  );
  assert.match(said.join("\n"), /ratios lack/);
  writeFileSync(file, "no report\n");
  assert.throws(() => readReport(file), /holds no report/);
});
