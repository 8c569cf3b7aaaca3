/** Two servers on one database whose hints do not reach each other: the safety sweep finds what they don't tell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedPostgres } from "../../testing/postgres.ts";
import { startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";
import { metric, until } from "../workers/rig.ts";

test("without Redis what one server stores is found by readers who wait at another, and counted as found by the timer", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  const start = () => startServerProcess({ cluster: { databaseUrl }, settings: { "safety-sweep-ms": 100 } });
  await using near = await start();
  await using far = await start();
  using sender = await RawClient.connect(near);
  using reader = await RawClient.connect(far);
  const [waitedFor, pushedTo] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const waiting = reader.call("fetchWait", { recipientKey: waitedFor, timeoutMs: 60_000n });
  const sink = new TestSink();
  using session = new RawSession(reader.service, far.token);
  session.inbox(pushedTo).subscribe(sink);
  await until(async () => (await metric(far, "qpq_waiters")) === 1 && sink.pushes.length === 1);
  const found = (source: string): Promise<number> => metric(far, "qpq_delivery_found_total", `"${source}"`);
  assert.equal(await found("timer"), 0);
  for (const recipientKey of [waitedFor, pushedTo]) {
    await sender.call("enqueue", { recipientKey, payload: Buffer.from("x") });
  }
  assert.equal((await waiting).payloads.length, 1);
  await until(() => sink.pushes.length === 2);
  assert.deepEqual([await found("timer"), await found("hint")], [2, 0]);
  const hinted = reader.call("fetchWait", { recipientKey: waitedFor, timeoutMs: 60_000n });
  await until(async () => (await metric(far, "qpq_waiters")) === 1);
  await reader.call("enqueue", { recipientKey: waitedFor, payload: Buffer.from("y") });
  assert.equal((await hinted).payloads.length, 1);
});
