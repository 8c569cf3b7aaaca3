/** Every query of the dashboards and rules on a real Prometheus, which scrapes real front-ends that had something to do. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestPostgres } from "../../services/server/testing/postgres.ts";
import { type PrometheusProcess, startPrometheus } from "../../services/server/testing/prometheus.ts";
import { RedisProcess } from "../../services/server/testing/redis.ts";
import { startServerProcess } from "../../services/server/testing/server-process.ts";
import { startWorkers, until } from "../../services/server/test/workers/rig.ts";
import { alertsOf, ruleGroups } from "../src/rules/rule-groups.ts";
import { Callers } from "./callers.ts";
import { LoadSide } from "./load-side.ts";
import { alertExpressions, dashboardQueries, type Named, recordingExpressions, selectorsOf } from "./promql.ts";

/** Long enough for a busy machine; what has no series by then has none. */
const seriesMsMax = 60_000;

const started = new AsyncDisposableStack();
let prometheus: PrometheusProcess;

before(async () => {
  const redis = started.use(await RedisProcess.start());
  const postgres = started.use(await TestPostgres.start());
  const { url: databaseUrl } = await postgres.createDatabase();
  const cluster = { databaseUrl, redisUrl: redis.url };
  const one = started.use(await startServerProcess({ cluster }));
  const several = started.use(await startWorkers({ cluster }));
  const load = started.use(await LoadSide.start(one));
  prometheus = started.use(await startPrometheus([one.opsPort, several.opsPort, ...load.ports], ruleGroups()));
  started.use(new Callers(one, several));
  started.use(new Callers(several, one));
  const hasCounted = (labels: string) => async () =>
    (await prometheus.query(`sum(qpq_rpc_calls_total{${labels}}) > 0`)).length > 0;
  await until(hasCounted('method="enqueue", code="ok"'));
  // some calls have to fail
  postgres.cluster.pause();
  for (const method of ["enqueue", "fetchWait"]) {
    await until(hasCounted(`method="${method}", code="E020_STORE_UNAVAILABLE"`));
  }
  postgres.cluster.resume();
});
after(() => started.disposeAsync());

/** Those without a series so far. */
async function emptyOf(queries: readonly Named[]): Promise<Named[]> {
  const empty: Named[] = [];
  for (const query of queries) {
    const series = await prometheus.query(query.expr).catch((error: unknown) => {
      throw new Error(`${query.where}: ${query.expr}`, { cause: error });
    });
    if (series.length === 0) empty.push(query);
  }
  return empty;
}

/** Within a minute each has a series. */
async function assertSeries(queries: readonly Named[]): Promise<void> {
  assert.ok(queries.length > 0);
  const endMs = performance.now() + seriesMsMax;
  let left = queries;
  await until(async () => (left = await emptyOf(left)).length === 0 || performance.now() > endMs);
  assert.deepEqual(left, []);
}

test("every query of every dashboard succeeds, and has a series", async () => {
  assert.equal((await emptyOf([{ where: "planted", expr: "qpq_no_such_metric" }])).length, 1);
  await assertSeries(dashboardQueries());
});

test("every recorded ratio is there, and every series that an alert looks at", async () => {
  await assertSeries(recordingExpressions());
  const looks = alertExpressions().flatMap(({ where, expr }) =>
    selectorsOf(expr).map((each) => ({ where, expr: each })),
  );
  await assertSeries(looks);
});

test("Prometheus evaluates every rule without an error", async () => {
  type Group = { readonly rules: readonly { readonly name: string; readonly health: string; readonly type: string }[] };
  const rulesOf = async () => (await prometheus.ask<{ groups: Group[] }>("rules")).groups.flatMap(({ rules }) => rules);
  await until(async () => (await rulesOf()).every(({ health }) => health !== "unknown"));
  const rules = await rulesOf();
  assert.deepEqual(
    rules.filter(({ health }) => health !== "ok"),
    [],
  );
  assert.equal(rules.filter(({ type }) => type === "alerting").length, alertsOf(ruleGroups()).length);
});
