/** The history grows by what was measured, once, keeps to its size, and joins nothing of two machines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { appended, type HistoryLine, historyText, joinKeyOf, linesMax, parseHistory } from "../src/publish/history.ts";
import { hostKeyOf, type StoredReport } from "../src/publish/stored-report.ts";

function reportAt(day: number, changes: Partial<StoredReport> = {}): StoredReport {
  return {
    scenario: "store",
    host: { cpu: "Intel(R) Xeon(R) CPU E5-2673 v4 @ 2.30GHz", cores: 4, memoryGiB: 16 },
    quick: true,
    measuredAt: new Date(Date.UTC(2026, 0, day)).toISOString(),
    commit: `commit-${day}`,
    figures: { a_per_s: 1_234.5678, b_ms: null },
    ratios: { a_vs_b: 0.5 },
    runs: 3,
    spread: { a_per_s: [1_000, 1_234.5678, 2_000] },
    notes: [],
    ...changes,
  };
}

test("every figure and ratio that was measured is a line, which is read back as it was", () => {
  const lines = appended([], [reportAt(1)]);
  assert.deepEqual(parseHistory(historyText(lines)), lines);
  assert.deepEqual(
    lines.map(({ figure, median, min, max, quick }) => [figure, median, min, max, quick]),
    [
      ["a_per_s", 1_234.6, 1_000, 2_000, true],
      ["a_vs_b", 0.5, 0.5, 0.5, true],
    ],
  );
});

test("what was there stays as it was, and a report that comes twice is there once", () => {
  const before = appended([], [reportAt(1)]);
  const after = appended(before, [reportAt(2), reportAt(1)]);
  assert.deepEqual(after.slice(0, before.length), before);
  assert.deepEqual(
    after.slice(before.length).map(({ commit }) => commit),
    ["commit-2", "commit-2"],
  );
});

test("of each figure on each machine so many lines are kept, the newest", () => {
  const days = Array.from({ length: linesMax + 3 }, (_, i) => reportAt(i + 1));
  const other = reportAt(1, { host: { cpu: "AMD EPYC", cores: 2, memoryGiB: 8 } });
  const lines = appended([], [other, ...days]);
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(joinKeyOf(line), (counts.get(joinKeyOf(line)) ?? 0) + 1);
  assert.deepEqual(
    [...counts.values()].toSorted((a, b) => a - b),
    [1, 1, linesMax, linesMax],
  );
  assert.equal(lines.at(-1)?.commit, `commit-${linesMax + 3}`);
  assert.ok(!lines.some(({ commit, host }) => commit === "commit-3" && host !== hostKeyOf(other)));
});

test("lines of another machine, or of --quick, are not joined", () => {
  const [line] = appended([], [reportAt(1)]) as [HistoryLine, ...HistoryLine[]];
  const others: HistoryLine[] = [
    { ...line, host: "other" },
    { ...line, quick: false },
    { ...line, scenario: "rpc" },
  ];
  for (const other of others) assert.notEqual(joinKeyOf(other), joinKeyOf(line));
  assert.equal(joinKeyOf({ ...line, date: "2027-01-01", commit: "later" }), joinKeyOf(line));
});

test("a machine's key is of its CPU, cores and memory, and fits into a column", () => {
  assert.equal(hostKeyOf(reportAt(1)), "intel-xeon-e5-2673-v4-4c-16g");
  const renewed = { host: { ...reportAt(1).host, kernel: "7.0", node: "v28" } };
  assert.equal(hostKeyOf(renewed), hostKeyOf(reportAt(1)));
});

test("a line that is none is refused with its number", () => {
  const text = historyText(appended([], [reportAt(1)]));
  assert.throws(() => parseHistory(`${text}2026-01-01,c,h,quick,store,a,1,2\n`), /line 4 of the history/);
  assert.throws(() => parseHistory(`${text}2026-01-01,c,h,quick,store,a,1,2,3\n`), /line 4/);
  assert.throws(() => parseHistory("date\n"), /begins with date,commit/);
});
