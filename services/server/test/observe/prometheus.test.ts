/** A real Prometheus that scrapes two real servers under load: what the code counts is what it sees. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { metricTable } from "../../src/observe/metric-table.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { type PrometheusProcess, promtoolFindings, startPrometheus } from "../../testing/prometheus.ts";
import { RedisProcess } from "../../testing/redis-process.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";
import { linesOf, page, pidOf, startWorkers, until } from "../workers/rig.ts";

const messages = 50;
const clients = 4;

const started = new AsyncDisposableStack();
let servers: readonly ServerProcess[];
let prometheus: PrometheusProcess;

before(async () => {
  const redis = started.use(await RedisProcess.start());
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  const cluster = { databaseUrl, redisUrl: redis.url };
  const one = started.use(await startServerProcess({ cluster }));
  const several = started.use(await startWorkers({ cluster }));
  servers = [one, several];
  prometheus = started.use(await startPrometheus(servers.map(({ opsPort }) => opsPort)));
  // a process that is replaced has counted too
  process.kill(pidOf(several, "0"), "SIGKILL");
  await until(() => linesOf(several, "process_started").length === 3);
  await Promise.all(servers.flatMap((server) => Array.from({ length: clients }, () => load(server))));
});
after(() => started.disposeAsync());

/** One client: messages stored, read in all ways, and some mistakes. */
async function load(server: ServerProcess): Promise<void> {
  using client = await RawClient.connect(server);
  using session = new RawSession(client.service, server.token);
  const recipientKey = randomBytes(32);
  const sink = new TestSink();
  session.inbox(recipientKey).subscribe(sink);
  for (let i = 0; i < messages; i++) await client.call("enqueue", { recipientKey, payload: Buffer.from("x") });
  await session.send([{ recipientKey, payload: Buffer.from("y") }]);
  await sink.until(() => sink.seqs.length === messages + 1);
  await client.call("peek", { recipientKey });
  await client.call("ack", { recipientKey, seqUpTo: 1n });
  await client.call("fetchWait", { recipientKey });
  await client.call("fetch", { recipientKey });
  await assert.rejects(client.call("enqueue", { recipientKey, payload: Buffer.alloc(0) }));
}

/** Of a histogram the three names of its series are one. */
function familyOf(series: string): string {
  const family = series.replace(/_(?:bucket|sum|count)$/, "");
  return /`(\w+)` \| histogram/.test(doc.split("\n").find((line) => line.startsWith(`| \`${family}\` |`)) ?? "")
    ? family
    : series;
}

const doc = readFileSync(fileURLToPath(new URL("../../../../docs/metrics.md", import.meta.url)), "utf8");
const documented = new Set([...doc.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name as string));
/** Prometheus's own of each scrape. */
const ofScrapes = /^(?:up|scrape_\w+)$/;

test("every metric named in the code comes from two servers under load, with what they counted, and docs/metrics.md knows all that come", async () => {
  const stored = messages * clients * servers.length;
  const sum = async (name: string): Promise<number> => (await prometheus.query(`sum(${name})`))[0]?.value ?? 0;
  await until(async () => (await sum("enqueue_total")) === stored);
  assert.equal(await sum('qpq_rpc_calls_total{method="enqueue",code="ok"}'), stored);
  assert.equal(await sum('qpq_rpc_calls_total{method="enqueue",code="E010_PAYLOAD_EMPTY"}'), clients * servers.length);
  assert.equal(await sum('qpq_store_call_duration_seconds_count{operation="append"}'), stored);
  assert.equal(await sum("delivery_queue_depth"), 0);
  const names = await prometheus.ask<string[]>("label/__name__/values");
  const seen = new Set(names.filter((name) => !ofScrapes.test(name)).map(familyOf));
  assert.deepEqual(
    Object.keys(metricTable).filter((name) => !seen.has(name)),
    [],
    "named in the code, and never seen",
  );
  assert.deepEqual(
    [...seen].filter((name) => !documented.has(name)),
    [],
    "seen, and unknown to docs/metrics.md",
  );
  assert.deepEqual(
    (await prometheus.query("up")).map(({ value }) => value),
    [1, 1],
  );
});

test("promtool finds nothing to say against the page of one process, and of several", async () => {
  for (const server of servers) assert.equal(promtoolFindings((await page(server, "/metrics")).text), "");
});

test("labels are of the sets that docs/metrics.md names", async () => {
  for (const [name, row] of Object.entries(metricTable)) {
    const labels = "labels" in row ? Object.keys(row.labels) : [];
    const suffix = row.kind === "histogram" ? "_count" : "";
    const [series] = await prometheus.query(name + suffix);
    const own = Object.keys(series?.metric ?? {}).filter((label) => !["__name__", "instance", "job"].includes(label));
    assert.deepEqual(own.sort(), [...labels].sort(), name);
  }
});
