/** Only calls that a replay cannot harm run on 0-RTT data; the others wait for the handshake, in their order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EarlyDataGate } from "../../src/calls/early-data.ts";
import { methods } from "../../src/calls/methods.ts";

class EarlyConnection {
  early = true;
  readonly ended = Promise.withResolvers<void>();
  readonly gate = new EarlyDataGate({ isEarly: () => this.early, done: () => this.ended.promise });
}

const key = { idempotencyKey: new Uint8Array(16) };

test("health, directory reads and peek run in early data, enqueue with an idempotency key only, nothing else", () => {
  const rules = Object.entries(methods).map(([name, { earlyData }]) => [name, earlyData] as const);
  const named = (rule: string): string[] => rules.filter(([, is]) => is === rule).map(([name]) => name);
  assert.deepEqual(named("yes").toSorted(), ["fetchHybridKey", "fetchHybridKeys", "health", "peek"]);
  assert.deepEqual(named("idempotent"), ["enqueue"]);
});

test("a call that may not run early waits for the handshake, and who comes after it does too", async () => {
  const { gate, ended } = new EarlyConnection();
  assert.equal(gate.wait("yes", {}), undefined);
  assert.equal(gate.wait("idempotent", key), undefined);
  const order: string[] = [];
  const waits = [gate.wait("idempotent", { idempotencyKey: new Uint8Array() }), gate.wait("yes", {})];
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
  assert.notEqual(connection.gate.wait("no", {}), undefined);
  connection.early = false;
  assert.equal(connection.gate.wait("no", {}), undefined);
});
