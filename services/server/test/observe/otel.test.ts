/** What bounds tracing: callers ask for it, and it must not cost what they like. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTracing } from "../../src/observe/otel.ts";

const options = { endpoint: "http://127.0.0.1:9", headers: {}, sampleRatio: 0, linkDelivery: true };
const asked = { traceHi: 1n, traceLo: 2n, spanId: 3n, flags: 1 };

test("at most 1,000 traces begin in a second, also for callers who ask for each", async () => {
  let nowMs = 0;
  const tracing = createTracing(options, () => nowMs);
  const begun = (calls: number): number =>
    Array.from({ length: calls }, () => tracing.call("m", asked)).filter((call) => call !== undefined).length;
  assert.equal(begun(5_000), 1_000);
  nowMs = 999;
  assert.equal(begun(1), 0);
  nowMs = 1_000;
  assert.equal(begun(5_000), 1_000);
  await tracing.close();
});

test("a context that is all zero, or half of one, is none: chance decides", async () => {
  const tracing = createTracing(options);
  for (const none of [undefined, { ...asked, spanId: 0n }, { ...asked, traceHi: 0n, traceLo: 0n }]) {
    assert.equal(tracing.call("m", none), undefined);
  }
  assert.ok(tracing.call("m", asked));
  await tracing.close();
});

test("of 10,000 stored messages the links to the last are kept, and the oldest forgotten", async () => {
  const tracing = createTracing(options);
  const call = tracing.call("m", asked);
  call?.run(() => {
    for (let seq = 1n; seq <= 10_001n; seq++) tracing.stored("inbox", { seq });
  });
  assert.equal(tracing.delivery("inbox", [{ seq: 1n }]), undefined);
  assert.ok(tracing.delivery("inbox", [{ seq: 2n }]));
  assert.equal(tracing.delivery("another", [{ seq: 2n }]), undefined);
  await tracing.close();
});

test("what a call has set going is no part of it once it has ended, and what runs apart never is", async () => {
  const tracing = createTracing(options);
  const call = tracing.call("m", asked);
  assert.equal(tracing.step("commit"), undefined);
  await call?.run(async () => {
    assert.ok(tracing.step("commit"));
    tracing.apart(() => assert.equal(tracing.step("commit"), undefined));
    await Promise.resolve();
    assert.ok(tracing.step("publish"));
    call.end("ok");
    await Promise.resolve();
    assert.equal(tracing.step("read"), undefined);
  });
  await tracing.close();
});
