/** `qpq-server top`: rates and times from two readings of /metrics. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { grown, MetricsPage, quantile } from "../../src/ops/metrics-text.ts";
import { tableOf, viewOf } from "../../src/ops/top-view.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import { runCommand } from "../cluster/run-command.ts";
import { RawClient } from "../e2e/raw-client.ts";

const page = (...lines: string[]): MetricsPage => new MetricsPage(lines.join("\n"));
const bucket = (le: string, count: number): string =>
  `qpq_rpc_call_duration_seconds_bucket{le="${le}",method="ping"} ${count}`;

describe("two readings", () => {
  test("give what lay between them, and a counter that began anew counts from 0", () => {
    const before = page('qpq_rpc_calls_total{method="ping",code="ok"} 100', "other_total 5");
    const after = page('qpq_rpc_calls_total{method="ping",code="ok"} 160', "other_total 3");
    assert.equal(grown([before, after], "qpq_rpc_calls_total", { method: "ping" }), 60);
    assert.equal(grown([before, after], "other_total"), 3);
    const { methods } = viewOf([before, after], 2);
    assert.deepEqual(methods, [{ method: "ping", perSecond: 30, p50: undefined, p99: undefined }]);
  });

  test("give the time that a share of the calls between them stayed within, and no call before them counts", () => {
    const before = page(bucket("0.1", 1_000), bucket("0.2", 1_000), bucket("+Inf", 1_000));
    const after = page(bucket("0.1", 1_050), bucket("0.2", 1_100), bucket("+Inf", 1_100));
    const at = (q: number) =>
      quantile([before, after], "qpq_rpc_call_duration_seconds", { q, labels: { method: "ping" } });
    assert.equal(at(0.5), 0.1);
    assert.equal(at(0.25), 0.05);
    assert.equal(at(0.75)?.toFixed(6), "0.150000");
    const slow = page(bucket("0.1", 1_050), bucket("0.2", 1_100), bucket("+Inf", 1_200));
    assert.equal(quantile([before, slow], "qpq_rpc_call_duration_seconds", { q: 0.9, labels: {} }), Infinity);
    assert.equal(quantile([after, after], "qpq_rpc_call_duration_seconds", { q: 0.9, labels: {} }), undefined);
  });

  test("read an exemplar as no part of the value, and comments as nothing", () => {
    const one = page("# TYPE a counter", 'a{x="1",y="2"} 7 # {trace_id="abc"} 0.5 1700000000.1', "# EOF");
    assert.deepEqual(one.all("a"), [{ labels: { x: "1", y: "2" }, value: 7 }]);
  });

  test("name errors by their code, parts of the store that are away, and a drain", () => {
    const before = page('qpq_rpc_calls_total{method="ping",code="E018_RATE_LIMIT"} 0');
    const after = page(
      'qpq_rpc_calls_total{method="ping",code="E018_RATE_LIMIT"} 4',
      'qpq_store_up{part="redis"} 0',
      'qpq_store_up{part="postgres"} 1',
      "qpq_draining 1",
    );
    const table = tableOf(viewOf([before, after], 2));
    assert.match(table, /draining {3}degraded: without redis$/m);
    assert.match(table, /^E018_RATE_LIMIT +2\.0\/s$/m);
  });
});

test("of a server with callers it shows their calls, their waiting and their memory", async () => {
  await using server = await startServerProcess();
  using client = await RawClient.connect(server);
  const recipientKey = new Uint8Array(32).fill(1);
  const waiting = client.start("fetchWait", { recipientKey: new Uint8Array(32).fill(2), timeoutMs: 30_000n });
  // ends with the connection
  waiting.then(undefined, () => undefined);
  let isOver = false;
  const sending = (async () => {
    while (!isOver) await client.call("enqueue", { recipientKey, payload: Buffer.from("x") }).catch(() => undefined);
  })();
  const place = ["--ops-port", String(server.opsPort)];
  const shown = await runCommand(["top", "--once", "--interval", "1", ...place, "--json"]);
  const table = await runCommand(["top", `127.0.0.1:${server.opsPort}`, "--once", "--interval", "0.5"]);
  isOver = true;
  await sending;
  assert.equal(shown.code, 0, shown.errors);
  const view = JSON.parse(shown.words);
  assert.equal(view.waiters, 1);
  assert.equal(view.sessions, 1);
  assert.equal(view.methods[0].method, "enqueue");
  assert.ok(view.methods[0].perSecond > 0 && view.methods[0].p99 >= view.methods[0].p50 && view.cpuCores > 0);
  assert.ok(view.residentBytes > 50e6);
  assert.match(table.words, /^enqueue +[\d.]+\/s/m);
});

test("without a server it ends as unreachable and says how to name one", async () => {
  const { code, errors } = await runCommand(["top", "127.0.0.1:1", "--once"]);
  assert.equal(code, 3);
  assert.match(errors, /E040_CONNECT_FAILED .*--ops-port/);
  assert.equal((await runCommand(["top", "--interval", "0"])).code, 2);
});
