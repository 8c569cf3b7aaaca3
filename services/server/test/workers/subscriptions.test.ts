/** One subscription an inbox, whichever worker has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RawClient } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";
import { metric, startWorkers, until } from "./rig.ts";

/** That all are at one of two workers is one chance in 2,048. */
const readers = 12;

test("of the subscriptions of one inbox the last one stays, and gets what comes", async () => {
  await using server = await startWorkers();
  using opened = new DisposableStack();
  const recipientKey = new Uint8Array(32).fill(1);
  const sinks: TestSink[] = [];
  for (let i = 0; i < readers; i++) {
    const client = opened.use(await RawClient.connect(server));
    const session = opened.use(new RawSession(client.service, server.token));
    const sink = new TestSink();
    const older = sinks.at(-1);
    sinks.push(sink);
    session.inbox(recipientKey).subscribe(sink);
    // the first push says that it stands; then the older one is told
    await sink.until(() => sink.pushes.length === 1);
    if (older === undefined) continue;
    await older.until(() => older.isEnded);
    assert.equal(older.ended?.code, "E062_SUBSCRIPTION_REPLACED");
  }
  const last = sinks.at(-1) as TestSink;
  assert.equal(last.ended, undefined);
  await until(async () => (await metric(server, "qpq_subscriptions")) === 1);
  using sender = await RawClient.connect(server);
  await sender.call("enqueue", { recipientKey, payload: Buffer.from("x") });
  await last.until(() => last.seqs.length === 1);
  assert.ok(sinks.slice(0, -1).every(({ seqs }) => seqs.length === 0));
});
