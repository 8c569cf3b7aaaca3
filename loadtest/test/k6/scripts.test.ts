/** Each script of k6/ against a real agent and a real server: the very files, in an engine of our own (engine/engine.ts). */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ServerProcess } from "quicproquo-server/testing";
import type { Agent } from "../../src/agent/running-agent.ts";
import { actions } from "../../src/open-loop/actions.ts";
import { ask, startTestAgent, startTestServer } from "../agent/rig.ts";
import { type RunResult, runScript } from "./engine/engine.ts";

const scripts = ["smoke", "load", "stress", "spike", "soak"] as const;
// slow enough for a busy machine: what takes up to 3 s drops nothing, and no time is asked for
const gentle = { RATE: "3", SECONDS_HELD: "3", P99_MS: "30000", STEPS: "2", FACTOR: "2" };
const durations = { smoke: "2s", load: "2s", stress: "1s", spike: "1s", soak: "4s" } as const;

const started = new AsyncDisposableStack();
let server: ServerProcess;
let agent: Agent;

before(async () => {
  server = started.use(await startTestServer());
  agent = started.use(await startTestAgent(server));
});
after(() => started.disposeAsync());

const run = (script: (typeof scripts)[number], env: Record<string, string> = {}): Promise<RunResult> =>
  runScript(new URL(`../../k6/${script}.ts`, import.meta.url), {
    QPQ_AGENT: `http://127.0.0.1:${agent.port}`,
    ...gentle,
    DURATION: durations[script],
    ...env,
  });

for (const script of scripts) {
  test(`${script}.ts runs against a server that is well: everything due is begun, nothing fails, every threshold holds`, async () => {
    const { exitCode, error, metrics, outputs } = await run(script, { SUMMARY: "out.json" });
    assert.equal(exitCode, 0, `${error} ${outputs["stdout"]}`);
    const report = JSON.parse(outputs["out.json"] as string);
    assert.equal(report.schema, 1);
    assert.equal(report.dropped, 0);
    assert.ok(report.limits.length > 0 && report.limits.every(({ ok }: { ok: boolean }) => ok));
    const all = report.rows.find(({ of }: { of: string }) => of === "all");
    const iterations = metrics["iterations"]?.values["count"] as number;
    assert.equal(all.actions, iterations * (script === "smoke" ? Object.keys(actions).length : 1));
    assert.ok(all.p50Ms > 0 && all.p50Ms <= all.p99Ms && all.p99Ms <= all.maxMs, JSON.stringify(all));
    assert.match(outputs["stdout"] as string, new RegExp(`^all +${all.actions} `, "m"));
    // what k6 judges has figures of its own
    for (const name of Object.keys(metrics).filter((each) => each.startsWith("qpq_action_duration{"))) {
      assert.ok((metrics[name]?.values["count"] as number) > 0, name);
    }
  });
}

test("the time that counts is the one the agent tells, in whole us; that of HTTP around it is not", async () => {
  const { metrics } = await run("soak");
  const isWhole = (metric: string): boolean => {
    const us = (metrics[metric]?.values["max"] as number) * 1_000;
    return us > 0 && Math.abs(us - Math.round(us)) < 1e-6;
  };
  assert.ok(isWhole("qpq_action_duration"));
  assert.ok(!isWhole("http_req_duration"));
});

test("a limit that does not hold is exit code 99, and the text names it", async () => {
  const { exitCode, outputs } = await run("soak", { P99_MS: "0.000001" });
  assert.equal(exitCode, 99);
  assert.match(outputs["stdout"] as string, /^FAILED {2}qpq_action_duration\{phase:last\} p\(99\)<0\.000001$/m);
});

test("stress.ts ends in the step whose limit does not hold, and the later ones are not begun", async () => {
  const { exitCode, isAborted, metrics } = await run("stress", {
    P99_MS: "0.000001",
    STEPS: "4",
    DURATION: "3s",
    SECONDS_HELD: "0.5",
  });
  assert.deepEqual([exitCode, isAborted], [99, true]);
  assert.ok((metrics["qpq_action_duration{step:3}"]?.values["count"] as number) > 0);
  assert.equal(metrics["qpq_action_duration{step:24}"]?.values["count"], 0);
});

test("what is due while no VU is free is counted, and makes the run fail", async () => {
  // 0.2 ms for each: less than it takes to wake a thread four times
  const { exitCode, metrics } = await run("soak", { RATE: "5000", VUS_MAX: "1", DURATION: "1s" });
  assert.equal(exitCode, 99);
  const dropped = metrics["dropped_iterations"]?.values["count"] as number;
  const begun = metrics["iterations"]?.values["count"] as number;
  assert.ok(dropped > 0 && begun > 0);
  assert.equal(dropped + begun, 5_000);
});

test("without an agent, or without its server, setup ends the run and says what to start", async () => {
  await using gone = await startTestServer();
  await using alone = await startTestAgent(gone);
  await gone.kill("SIGKILL");
  const noServer = await run("load", { QPQ_AGENT: `http://127.0.0.1:${alone.port}` });
  assert.equal(noServer.exitCode, 107);
  assert.match(noServer.error as string, /50[34] E0\d\d_\w+: is qpq bench agent there, and its server\?/);
  const noAgent = await run("load", { QPQ_AGENT: `http://127.0.0.1:${gone.opsPort}` });
  assert.equal(noAgent.exitCode, 107);
  assert.match(noAgent.error as string, /K6_1212: is qpq bench agent there/);
});

test("failed actions are counted by action and code, the agent's own refusals too", async () => {
  await using small = await startTestAgent(server, { limits: { inFlightMax: 1 } });
  const page = async (): Promise<string> => (await ask(small, "/metrics")).text;
  const QPQ_AGENT = `http://127.0.0.1:${small.port}`;
  const running = run("soak", { QPQ_AGENT, RATE: "10", SECONDS_HELD: "1", SUMMARY: "out.json" });
  // setup() has done one
  while (!(await page()).includes('code="ok"}'));
  process.kill(server.pid, "SIGSTOP");
  try {
    while (!(await page()).includes('qpq_agent_refused_total{code="E021_OVERLOADED"}'));
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
  const { exitCode, metrics } = await running;
  assert.equal(exitCode, 99);
  assert.ok((metrics["qpq_failed"]?.values["passes"] as number) > 0);
  assert.equal(metrics["qpq_errors"]?.values["count"], metrics["qpq_failed"]?.values["passes"]);
});

test("the agent's token comes from a file or the environment; without it setup says that it is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "qpq-k6-"));
  try {
    const agentToken = "0123456789abcdef0123456789abcdef";
    await using locked = await startTestAgent(server, { agentToken });
    const QPQ_AGENT = `http://127.0.0.1:${locked.port}`;
    const file = join(folder, "token");
    writeFileSync(file, `${agentToken}\n`);
    assert.equal((await run("smoke", { QPQ_AGENT, QPQ_AGENT_TOKEN_FILE: file })).exitCode, 0);
    assert.equal((await run("smoke", { QPQ_AGENT, QPQ_AGENT_TOKEN: agentToken })).exitCode, 0);
    assert.match((await run("smoke", { QPQ_AGENT })).error as string, /401 E003_UNAUTHENTICATED/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a wrong setting ends a script before anything is sent", async () => {
  await assert.rejects(run("load", { RATE: "many" }), /RATE is a number above 0, not many/);
  await assert.rejects(run("load", { DURATION: "10" }), /DURATION is a time like 90s, 5m or 1h30m, not 10/);
});
