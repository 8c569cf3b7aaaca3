/** npm run bench -- open: a server of its own, on either store, which ends with it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const open = (...args: readonly string[]) => {
  return spawnSync(process.execPath, [main, "open", ...args], { encoding: "utf8", timeout: 60_000 });
};

for (const store of ["embedded", "cluster"]) {
  test(`${store}: a second of messages without an error, and nothing of the server is left`, () => {
    const flags = ["--duration", "1s", "--warm-up", "0s", "--rate", "50", "--json", "--assert", "errors=0"];
    const run = open("push", ...flags, "--store", store);
    assert.equal(run.status, 0, run.stderr);
    const { done, versions } = JSON.parse(run.stdout) as { done: number; versions: { store: string } };
    assert.ok(done > 0);
    assert.equal(versions.store, store);
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`qpq-bench-server-${run.pid}-`));
    assert.deepEqual(left, []);
  });
}

test("a wrong word ends it with 2, an assertion that does not hold with 1", () => {
  for (const [args, told] of [
    [["pusch"], /did you mean push\?/],
    [["push", "--store", "redis"], /--store is embedded or cluster/],
    [["push", "--rat", "5"], /Unknown option '--rat'/],
  ] as const) {
    const run = open(...args);
    assert.equal(run.status, 2, run.stderr);
    assert.match(run.stderr, told);
  }
  const run = open("push", "--duration", "1s", "--warm-up", "0s", "--rate", "20", "--assert", "p50<1us");
  assert.equal(run.status, 1, run.stderr);
  assert.match(run.stderr, /E084_ASSERTION/);
});

test("its help names the stores", () => {
  const run = open("--help");
  assert.equal(run.status, 0);
  assert.match(run.stdout, /--store embedded \(default\) or cluster/);
});
