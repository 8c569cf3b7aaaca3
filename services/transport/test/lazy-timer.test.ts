/** Deadlines of connections: many on one timer of the process. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { LazyTimer } from "../src/quic/timers.ts";

const far = 60_000;

it("fires when it is due, though one that fired before it waits for much later", { timeout: 10_000 }, async () => {
  const fired = Promise.withResolvers<void>();
  const second = new LazyTimer(fired.resolve);
  const first: LazyTimer = new LazyTimer(() => first.arm(far));
  first.arm(5);
  second.arm(10);
  await fired.promise;
  first.cancel();
});

it("fires at the deadline that was set last, not before it", { timeout: 10_000 }, async () => {
  const startedAtMs = performance.now();
  const fired = Promise.withResolvers<number>();
  const timer = new LazyTimer(() => fired.resolve(performance.now()));
  timer.arm(5);
  timer.arm(40);
  assert.ok((await fired.promise) - startedAtMs >= 40);
});

it("fires at an earlier deadline that is set later", { timeout: 10_000 }, async () => {
  const fired = Promise.withResolvers<void>();
  const timer = new LazyTimer(fired.resolve);
  timer.arm(far);
  timer.arm(5);
  await fired.promise;
});

it("never fires when it was cancelled", { timeout: 10_000 }, async () => {
  const fired: string[] = [];
  const done = Promise.withResolvers<void>();
  const cancelled = new LazyTimer(() => fired.push("cancelled"));
  const later = new LazyTimer(done.resolve);
  cancelled.arm(5);
  later.arm(20);
  cancelled.cancel();
  await done.promise;
  assert.deepEqual(fired, []);
});

it("wakes one that waits longer than the wheel goes round", { timeout: 20_000 }, async () => {
  const order: string[] = [];
  const done = Promise.withResolvers<void>();
  const slow = new LazyTimer(() => {
    order.push("slow");
    done.resolve();
  });
  const quick = new LazyTimer(() => order.push("quick"));
  slow.arm(4_100); // a turn has 4,096 ms
  quick.arm(10);
  await done.promise;
  assert.deepEqual(order, ["quick", "slow"]);
});
