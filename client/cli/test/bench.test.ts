/** qpq bench as people and CI use it: exit codes, files, Ctrl-C. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { environmentOf, program, type Run, runQpq, type Setting } from "./run-qpq.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-cli-bench-"));
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({ settings: { "log-level": "warn" } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const qpq = (args: readonly string[], setting?: Setting): Promise<Run> => {
  return runQpq({ server, folder, who: "nobody" }, ["bench", ...args], setting);
};
const brief = ["--duration", "1s", "--warm-up", "0s", "--rate", "50"] as const;

test("a load that meets its assertions ends with 0, prints the result, and writes a page", async () => {
  const html = join(folder, "push.html");
  const run = await qpq(["push", ...brief, "--assert", "errors=0", "--assert", "missed=0", "--html", html]);
  assert.equal(run.code, 0, run.err);
  assert.match(run.out, /^push: 100 users, 1 driver, 1 s\n {6}due .*\n {6}done .*\n {6}latency .*p99\.9/);
  assert.match(run.err, /\[10\/10\] measured/);
  assert.match(readFileSync(html, "utf8"), /<title>qpq bench push<\/title>/);
});

test("one that does not ends with 1, with the result all the same", async () => {
  const run = await qpq(["push", ...brief, "--json", "--assert", "p50<1us"]);
  assert.equal(run.code, 1);
  assert.match(run.err, /E084_ASSERTION not so: p50<1us: [\d.]+ ms/);
  assert.equal((JSON.parse(run.out) as { kind: string }).kind, "load");
});

test("a wrong scenario, flag or assertion ends with 2 and what was probably meant", async () => {
  for (const [args, told] of [
    [[], /usage: qpq bench SCENARIO/],
    [["pusch"], /did you mean push\?/],
    [["push", "--rte", "5"], /Unknown option '--rte'.*did you mean --rate\?/],
    [["push", "--assert", "p9<5ms"], /there is no metric p9; did you mean p90/],
    [["push", "--rate", "1000000000"], /at most 1000000 a second/],
    [["compare", "one.json"], /bench compare BEFORE.json AFTER.json/],
    [["push", "enqueue"], /one scenario at a time/],
    [["push", "--html", join(folder, "absent", "a.html"), ...brief], /--html .* cannot be written \(ENOENT\)/],
  ] as const) {
    const run = await qpq(args);
    assert.equal(run.code, 2, `${args.join(" ")}: ${run.err}`);
    assert.match(run.err, told);
    assert.match(run.err, /E048_USAGE/);
  }
});

test("a flag of bench is none of the other commands", async () => {
  const run = await runQpq({ server, folder, who: "nobody" }, ["ping", "--rate", "5"]);
  assert.equal(run.code, 2);
  assert.match(run.err, /Unknown option '--rate'/);
});

test("a server that cannot be reached ends it with 3, a token that is refused with 4", async () => {
  const gone = await qpq(["push", ...brief, "--transport", "quic"], { env: { QPQ_SERVER: "127.0.0.1:1" } });
  assert.equal(gone.code, 3, gone.err);
  assert.match(gone.err, /E040_CONNECT_FAILED/);
  const refused = await qpq(["push", ...brief], { env: { QPQ_AUTH_TOKEN: "wrong" } });
  assert.equal(refused.code, 4, refused.err);
  assert.match(refused.err, /E004_BAD_TOKEN/);
  assert.doesNotMatch(refused.err + refused.out, /wrong/);
});

test("compare: the same holds against itself, another plan is refused, a worse one fails by name", async () => {
  const [before, after] = [join(folder, "before.json"), join(folder, "after.json")];
  const measured = await qpq(["enqueue", ...brief, "--runs", "2", "--json"]);
  assert.equal(measured.code, 0, measured.err);
  writeFileSync(before, measured.out);
  const same = await qpq(["compare", before, before]);
  assert.equal(same.code, 0, same.err);
  assert.match(same.out, /p99 .* 1\.00 \[[\d.]+ \.\. [\d.]+\]/);
  const slower = measured.out
    .trim()
    .split("\n")
    .map((line) => {
      const result = JSON.parse(line) as { latencyMs: Record<string, number> };
      return JSON.stringify({ ...result, latencyMs: { ...result.latencyMs, p99: 1e6 } });
    });
  assert.equal(slower.length, 2);
  writeFileSync(after, slower.join("\n"));
  const worse = await qpq(["compare", before, after, "--tolerance", "50%", "--json"]);
  assert.equal(worse.code, 1);
  assert.match(worse.err, /E084_ASSERTION worse by more than 50 %: p99\n/);
  assert.equal((JSON.parse(worse.out) as { kind: string }).kind, "comparison");
  writeFileSync(after, measured.out.replaceAll('"users":1000', '"users":7'));
  const other = await qpq(["compare", before, after]);
  assert.equal(other.code, 1);
  assert.match(other.err, /E083_PLANS_DIFFER users differ/);
  assert.equal((await qpq(["compare", before, after, "--force"])).code, 0);
});

test("Ctrl-C ends a load early, and what was measured is printed", async () => {
  const env = environmentOf({ server, folder, who: "nobody" });
  const args = [program, "bench", "push", "--duration", "20s", "--warm-up", "0s", "--rate", "100", "--drivers", "2"];
  // a group of its own, as a terminal gives a program: Ctrl-C reaches its drivers too
  const child = spawn(process.execPath, [...args, "--json"], { env, detached: true });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  let hasStopped = false;
  child.stderr.on("data", (chunk: Buffer) => {
    if (hasStopped || !/\[\d+\/10\] \d+\/s/.test(chunk.toString())) return;
    hasStopped = true;
    process.kill(-(child.pid as number), "SIGINT");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0);
  const result = JSON.parse(out) as { endedEarly: boolean; secondsRun: number; done: number; errorCount: number };
  assert.equal(result.endedEarly, true);
  assert.ok(result.secondsRun > 0 && result.secondsRun < 20);
  assert.ok(result.done > 0);
  assert.equal(result.errorCount, 0);
});

test("its help has examples first, then scenarios and flags", async () => {
  const { out, code } = await qpq(["--help"]);
  assert.equal(code, 0);
  assert.match(
    out,
    /^qpq bench: .*\n\n {2}qpq bench enqueue\n[\s\S]*\nScenarios\n[\s\S]*reconnect-storm[\s\S]*\nFlags\n[\s\S]*--assert/,
  );
});
