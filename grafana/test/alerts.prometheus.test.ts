/**
 * Alerts that fire for real: a real Prometheus with the rules, whose windows are 60 times shorter (5 m are 5 s), over real
 * servers to which the fault is done; the page of each alert says truly when it is over, and what it says to do ends it.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestPostgres } from "../../services/server/testing/postgres.ts";
import { type PrometheusProcess, startPrometheus } from "../../services/server/testing/prometheus.ts";
import { RedisProcess } from "../../services/server/testing/redis.ts";
import type { ServerProcess } from "../../services/server/testing/server-process.ts";
import { faultyServer, pidOf, until } from "../../services/server/test/workers/rig.ts";
import { ruleGroups } from "../src/rules/rule-groups.ts";
import { Callers } from "./callers.ts";
import { type Operated, startOperated } from "./rig.ts";
import { type Outcome, Runbook } from "./runbook.ts";

const shrink = 60;

const started = new AsyncDisposableStack();
let prometheus: PrometheusProcess;
let redis: RedisProcess;
let postgres: TestPostgres;
let cluster: { readonly databaseUrl: string; readonly redisUrl: string };
let one: Operated;
let other: Operated;
let several: Operated;
let expiring: Operated;

// readers whose hints are lost are found soon
const settings = { "safety-sweep-ms": 1_000 };

before(async () => {
  redis = started.use(await RedisProcess.start());
  postgres = started.use(await TestPostgres.start());
  cluster = { databaseUrl: (await postgres.createDatabase()).url, redisUrl: redis.url };
  one = started.use(await startOperated({ cluster, settings }));
  other = started.use(await startOperated({ cluster, settings }));
  several = started.use(await startOperated({ program: faultyServer, settings: { workers: 2 } }));
  expiring = started.use(await startOperated({ certificateDays: 10 }));
  const ports = [one, other, several, expiring].map(({ server }) => server.opsPort);
  prometheus = started.use(await startPrometheus(ports, ruleGroups(shrink)));
  started.use(new Callers(one.server, other.server));
  started.use(new Callers(other.server, one.server));
  const served = 'sum by (instance) (rate(qpq_rpc_calls_total{method="fetchWait", code="ok"}[5s])) > 0';
  await until(async () => (await prometheus.query(served)).length === 2);
});
after(() => started.disposeAsync());

type Labels = Readonly<Record<string, string>>;

/** Labels of those that fire. */
async function firing(alert: string): Promise<Labels[]> {
  type Alert = { readonly labels: Labels; readonly state: string };
  const { alerts } = await prometheus.ask<{ alerts: readonly Alert[] }>("alerts");
  return alerts
    .filter(({ labels, state }) => state === "firing" && labels["alertname"] === alert)
    .map(({ labels }) => labels);
}

async function fires(alert: string, labels: Labels): Promise<boolean> {
  const wanted = Object.entries(labels);
  return (await firing(alert)).some((each) => wanted.every(([name, value]) => each[name] === value));
}

async function untilQuiet(alert: string): Promise<void> {
  await until(async () => (await firing(alert)).length === 0);
}

const instanceOf = ({ opsPort }: ServerProcess): Labels => ({ instance: `127.0.0.1:${opsPort}` });

/** The page can tell that it is not over, and what it says to look at can be looked at. */
async function assertTells(alert: string, { desk }: Operated): Promise<void> {
  const page = new Runbook(alert);
  for (const commands of page.commands("Look")) await desk.run(commands);
  const outcomes: Outcome[] = [];
  for (const commands of page.commands("Over when")) outcomes.push(await desk.run(commands));
  assert.ok(
    outcomes.some(({ status }) => status !== 0),
    `${alert} is over, says its page: ${JSON.stringify(outcomes)}`,
  );
}

async function assertOver(alert: string, { desk }: Operated): Promise<void> {
  for (const commands of new Runbook(alert).commands("Over when")) {
    const { status, words } = await desk.run(commands);
    assert.equal(status, 0, `${alert}: ${commands}\n${words}`);
  }
}

test("a certificate that expires in 10 days: a ticket, until the commands of the page were run", async () => {
  const where = instanceOf(expiring.server);
  await until(() => fires("QpqCertificateExpires", { ...where, severity: "ticket" }));
  assert.equal(await fires("QpqCertificateExpires", { ...where, severity: "page" }), false, "there are 10 days yet");
  assert.equal(await fires("QpqCertificateExpires", instanceOf(one.server)), false);
  await assertTells("QpqCertificateExpires", expiring);
  for (const commands of new Runbook("QpqCertificateExpires").commands("Mend")) {
    const { status, words } = await expiring.desk.run(commands);
    assert.equal(status, 0, words);
  }
  await until(async () => !(await fires("QpqCertificateExpires", where)));
  await assertOver("QpqCertificateExpires", expiring);
});

test("Redis killed: it is away, was done without, and wake-ups are lost, until it is started again", async () => {
  const alerts = ["QpqRedisAway", "QpqRedisFallback", "QpqWakeupsLost"];
  for (const alert of alerts) await untilQuiet(alert);
  await redis.kill();
  for (const { server } of [one, other]) {
    await until(() => fires("QpqRedisAway", instanceOf(server)));
    await until(() => fires("QpqRedisFallback", { ...instanceOf(server), name: "failures" }));
  }
  await until(() => fires("QpqWakeupsLost", { severity: "ticket" }));
  for (const alert of alerts) await assertTells(alert, one);
  assert.equal(await fires("QpqEnqueueFailing", { severity: "page" }), false, "nobody is woken up for Redis");
  await redis.startAgain();
  for (const alert of alerts) {
    await untilQuiet(alert);
    await assertOver(alert, one);
  }
});

test("Postgres stalled: it is away, and too many calls fail, until it goes on", async () => {
  const failing = ["QpqEnqueueFailing", "QpqWaitsFailing"];
  assert.deepEqual(await firing("QpqPostgresAway"), []);
  for (const alert of failing) assert.equal(await fires(alert, { severity: "page" }), false);
  postgres.cluster.pause();
  for (const { server } of [one, other]) await until(() => fires("QpqPostgresAway", instanceOf(server)));
  for (const alert of failing) await until(() => fires(alert, { severity: "page" }));
  for (const alert of ["QpqPostgresAway", ...failing]) await assertTells(alert, one);
  postgres.cluster.resume();
  await untilQuiet("QpqPostgresAway");
  for (const alert of failing) await until(async () => !(await fires(alert, { severity: "page" })));
  for (const alert of ["QpqPostgresAway", ...failing]) await assertOver(alert, one);
});

test("a worker that stalls: a ticket with its number and the reason, until it was long ago", async () => {
  await untilQuiet("QpqWorkerRestarts");
  process.kill(pidOf(several.server, "1"), "SIGUSR2");
  await until(() =>
    fires("QpqWorkerRestarts", { ...instanceOf(several.server), worker: "1", reason: "stalled", severity: "ticket" }),
  );
  await untilQuiet("QpqWorkerRestarts");
  await assertOver("QpqWorkerRestarts", several);
});

test("a server killed: it is down, until it is started again", async () => {
  const where = instanceOf(other.server);
  assert.deepEqual(await firing("QpqServerDown"), []);
  await other.server.kill("SIGKILL");
  await until(() => fires("QpqServerDown", { ...where, severity: "page" }));
  await assertTells("QpqServerDown", other);
  assert.equal((await firing("QpqServerDown")).length, 1, "of one alone");
  const again = started.use(
    await startOperated({ cluster, settings: { ...settings, "ops-port": other.server.opsPort } }),
  );
  await untilQuiet("QpqServerDown");
  await assertOver("QpqServerDown", again);
});
