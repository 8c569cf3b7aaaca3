/** Two sides of a bench become one table. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("bench-compare.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "qpq-bench-compare-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function report(name: string, figures: Record<string, number | null>, ratios: Record<string, number> = {}): string {
  const file = join(folder, name);
  writeFileSync(file, `> words of npm\n${JSON.stringify({ scenario: "store", figures, ratios })}\n`);
  return file;
}

function compare(...args: readonly string[]) {
  return spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
}

test("a figure has its medians, its change, and a word only where no run of one side reaches the other", () => {
  const base = [100, 110, 300].map((value, i) => report(`base-${i}`, { a_per_s: value, b_ms: 10 }, { c_vs_d: 1 }));
  const branch = [150, 160, 170].map((value, i) => report(`branch-${i}`, { a_per_s: value, b_ms: 20 + i, e_ms: null }));
  const { status, stdout, stderr } = compare("--base", ...base, "--branch", ...branch);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^### store$/m);
  assert.match(stdout, /^\| a_per_s \| 110 \| 160 \| 45\.5 % \|  \|$/m);
  assert.match(stdout, /^\| b_ms \| 10 \| 21 \| 110\.0 % \| apart from every run of the other \|$/m);
  assert.match(stdout, /^\| c_vs_d \| 1 \|  \| \| not measured on both \|$/m);
  assert.match(stdout, /^\| e_ms \|  \|  \| \| not measured on both \|$/m);
});

test("without reports of both sides it says how it is called", () => {
  const { status, stderr } = compare("--base", report("alone", {}));
  assert.equal(status, 2);
  assert.match(stderr, /--base FILE \.\.\. --branch FILE/);
});
