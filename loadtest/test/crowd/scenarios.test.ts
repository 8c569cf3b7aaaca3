/** The scenarios of many clients, each in small against real servers: what they promise to tell, and that nothing is lost. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { faultsOf } from "../../src/report-names.ts";
import type { Report } from "../../src/report.ts";
import type { Scenario } from "../../src/scenario.ts";
import { crowdScenario } from "../../src/scenarios/crowd.ts";
import { pushLatencyScenario } from "../../src/scenarios/push-latency.ts";
import { soakScenario } from "../../src/scenarios/soak.ts";
import { stormScenario } from "../../src/scenarios/storm.ts";

type Result = Awaited<ReturnType<Scenario["run"]>>;

async function run(scenario: Scenario, flags: Readonly<Record<string, string>>): Promise<Result> {
  const result = await scenario.run({ quick: true, flags, say: () => undefined });
  const report: Report = { scenario: "in small", host: {}, ...result };
  assert.deepEqual(faultsOf(report, scenario.names), []);
  return result;
}

function figure({ figures }: Result, name: string): number {
  const value = figures[name];
  assert.ok(typeof value === "number", `${name} was not measured`);
  return value;
}

test("crowd: 20 clients are woken in time and lose nothing", { timeout: 120_000 }, async () => {
  const result = await run(crowdScenario, { clients: "20", seconds: "1" });
  assert.deepEqual(result.failures, []);
  assert.equal(figure(result, "lost"), 0);
  assert.ok(figure(result, "wakes_per_s") > 0);
  assert.ok(figure(result, "wake_p50_ms") <= figure(result, "wake_p99_ms"));
});

test("storm: 20 clients come back after kill -9, and what was acknowledged is all theirs, in order, once", {
  timeout: 120_000,
}, async () => {
  const result = await run(stormScenario, { clients: "20" });
  assert.deepEqual(result.failures, []);
  for (const name of ["lost", "altered", "repeated", "gaps"]) assert.equal(figure(result, name), 0, name);
  assert.ok(figure(result, "acknowledged") > 0);
  assert.ok(figure(result, "storm_connections_lost") >= 20);
  assert.ok(figure(result, "storm_handshakes") >= 20);
  assert.ok(figure(result, "storm_first_back_ms") <= figure(result, "storm_last_back_ms"));
});

test("soak: messages, losses and logins on two front-ends; the ledger is equal, files are written", {
  timeout: 120_000,
}, async (test) => {
  const out = mkdtempSync(join(tmpdir(), "qpq-soak-"));
  test.after(() => rmSync(out, { recursive: true, force: true }));
  const result = await run(soakScenario, { clients: "20", minutes: "0.1", rate: "100", out });
  for (const name of ["lost", "altered", "repeated", "gaps"]) assert.equal(figure(result, name), 0, name);
  for (const name of [
    "acknowledged",
    "reconnects",
    "logins",
    "heap_mb",
    "tables_mb",
    "wal_mb",
    "redis_mb",
    "handles",
  ]) {
    assert.ok(figure(result, name) > 0, name);
  }
  const samples = JSON.parse(readFileSync(join(out, "soak-cluster.json"), "utf8")) as Record<string, unknown[]>;
  assert.deepEqual(samples, JSON.parse(JSON.stringify(result.series)));
  assert.ok((samples["rss_mb_2_by_minute"] ?? []).length >= 8);
  for (const chart of ["memory", "disk", "handles", "latency"])
    assert.ok(existsSync(join(out, `soak-cluster-${chart}.svg`)));
});

test("soak: on the embedded store too", { timeout: 120_000 }, async (test) => {
  const out = mkdtempSync(join(tmpdir(), "qpq-soak-"));
  test.after(() => rmSync(out, { recursive: true, force: true }));
  const result = await run(soakScenario, { store: "sqlite", clients: "10", minutes: "0.05", rate: "100", out });
  assert.equal(figure(result, "lost"), 0);
  assert.ok(figure(result, "store_mb") > 0);
});

test("push-latency: each rate on each store has its percentiles, and nothing is lost", {
  timeout: 120_000,
}, async () => {
  const result = await run(pushLatencyScenario, { seconds: "1" });
  assert.deepEqual(result.failures, []);
  for (const name of ["push_p50_ms_1000_embedded", "push_p99_ms_1000_cluster", "push_p999_ms_5000_embedded"]) {
    assert.ok(figure(result, name) > 0, name);
  }
});
