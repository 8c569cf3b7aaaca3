/** A parked call is woken by what comes, by its deadline, by its caller's leaving and by the server's draining. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type InboxKey, QpqError } from "quicproquo-proto";
import { Waiters } from "../../src/delivery/waiters.ts";
import type { WakeupBus } from "../../src/store/port.ts";

const inbox = "i".repeat(32) as InboxKey;

/** A bus whose every moment the test decides. */
class Bus implements WakeupBus {
  readonly listeners = new Set<() => void>();
  publish(): void {
    for (const listener of this.listeners) listener();
  }
  subscribe(_: InboxKey, listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

const forever = { inbox, timeoutMs: 60_000 };
const signal = new AbortController().signal;

test("an append in the gap after the read still wakes the waiter", async () => {
  const bus = new Bus();
  using waiter = new Waiters(bus, 10).arm({ ...forever, signal });
  waiter.rearm();
  // here the look ran and found nothing; now comes the append, before the wait begins
  bus.publish();
  await waiter.woken();
  assert.equal(waiter.over, false);
});

test("a hint from before rearm() does not end the wait; the next one does", async () => {
  const bus = new Bus();
  using waiter = new Waiters(bus, 10).arm({ ...forever, signal });
  bus.publish();
  waiter.rearm();
  let woken = false;
  const wait = waiter.woken().then(() => {
    woken = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, false);
  bus.publish();
  await wait;
});

test("the deadline, the caller's leaving and a drain each end the wait as over", async () => {
  const bus = new Bus();
  const waiters = new Waiters(bus, 10);
  using late = waiters.arm({ inbox, timeoutMs: 1, signal });
  const caller = new AbortController();
  using left = waiters.arm({ ...forever, signal: caller.signal });
  using drained = waiters.arm({ ...forever, signal });
  const all = Promise.all([late.woken(), left.woken(), drained.woken()]);
  caller.abort();
  waiters.drain();
  await all;
  assert.deepEqual([late.over, left.over, drained.over], [true, true, true]);
  using afterwards = waiters.arm({ ...forever, signal });
  assert.equal(afterwards.over, true, "who comes while the server drains does not park");
});

test("a disposed waiter leaves neither a subscription nor a place taken", () => {
  const bus = new Bus();
  const waiters = new Waiters(bus, 1);
  waiters.arm({ ...forever, signal })[Symbol.dispose]();
  assert.equal(bus.listeners.size, 0);
  assert.equal(waiters.size, 0);
});

test("at waitersMax the next call is told E021_OVERLOADED", () => {
  const waiters = new Waiters(new Bus(), 1);
  using _ = waiters.arm({ ...forever, signal });
  assert.throws(
    () => waiters.arm({ ...forever, signal }),
    (error) => error instanceof QpqError && error.code === "E021_OVERLOADED",
  );
  assert.equal(waiters.size, 1);
});
