/** Only calls that a replay cannot harm run on 0-RTT data; the others wait for the handshake, in their order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { earlyDataRules, mayRunEarly } from "quicproquo-proto";
import { EarlyDataGate } from "../../src/calls/early-data.ts";

class EarlyConnection {
  early = true;
  readonly ended = Promise.withResolvers<void>();
  readonly gate = new EarlyDataGate({ isEarly: () => this.early, done: () => this.ended.promise });
}

test("health, directory reads and peek may run early, enqueue with an idempotency key only, nothing else", () => {
  const named = (rule: string): string[] =>
    Object.entries(earlyDataRules)
      .filter(([, is]) => is === rule)
      .map(([name]) => name);
  const resolves = ["resolveEndpoint", "resolveIdentity", "resolveUser"];
  assert.deepEqual(named("yes").toSorted(), ["fetchHybridKey", "fetchHybridKeys", "health", "peek", ...resolves]);
  assert.deepEqual(named("idempotent"), ["enqueue"]);
  assert.equal(mayRunEarly("enqueue", { idempotencyKey: new Uint8Array(16) }), true);
  assert.equal(mayRunEarly("enqueue", { idempotencyKey: new Uint8Array() }), false);
  assert.equal(mayRunEarly("batchEnqueue", { idempotencyKey: new Uint8Array(16) }), false);
});

test("a call that may not run early waits for the handshake, and who comes after it does too", async () => {
  const { gate, ended } = new EarlyConnection();
  assert.equal(gate.wait(true), undefined);
  const order: string[] = [];
  const waits = [gate.wait(false), gate.wait(true)];
  for (const [i, wait] of waits.entries()) {
    assert.ok(wait !== undefined);
    wait.then(() => order.push(String(i)));
  }
  await new Promise(setImmediate);
  assert.deepEqual(order, []);
  ended.resolve();
  await Promise.all(waits);
  assert.deepEqual(order, ["0", "1"]);
});

test("after the handshake nothing waits", () => {
  const connection = new EarlyConnection();
  assert.notEqual(connection.gate.wait(false), undefined);
  connection.early = false;
  assert.equal(connection.gate.wait(false), undefined);
});
