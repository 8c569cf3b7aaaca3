/** A parked call is woken by what comes, by its deadline, by its caller's leaving and by the server's draining. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type InboxKey, QpqError } from "quicproquo-proto";
import { newFoundCounts } from "../../src/delivery/readers.ts";
import { TimerWheel } from "../../src/delivery/timer-wheel.ts";
import { Waiters } from "../../src/delivery/waiters.ts";
import type { WakeupBus, WakeupListener } from "../../src/store/port.ts";

const inbox = "i".repeat(32) as InboxKey;

/** A bus whose every moment the test decides. */
class Bus implements WakeupBus {
  readonly listeners = new Set<WakeupListener>();
  /** While set, a new listener hears nothing yet. */
  listening: Promise<void> | undefined;
  publish(): void {
    for (const listener of this.listeners) listener.onHint("hint");
  }
  subscribe(_: InboxKey, listener: WakeupListener): Promise<void> | undefined {
    this.listeners.add(listener);
    return this.listening;
  }
  unsubscribe(_: InboxKey, listener: WakeupListener): void {
    this.listeners.delete(listener);
  }
}

/** An inbox with a count of messages; a look answers when the test lets it. */
class Box {
  readonly bus = new Bus();
  readonly found = newFoundCounts();
  readonly waiters: Waiters;
  messages = 0;
  looks = 0;
  /** While set, looks have read and their answers are on the way. */
  held: Promise<void> | undefined;
  leave: () => void = () => assert.fail("nobody waits");

  constructor(waitersMax = 10) {
    this.waiters = new Waiters({ wakeups: this.bus, waitersMax, found: this.found });
  }

  wait(timeoutMs = 60_000): Promise<number> {
    const look = async (): Promise<number> => {
      this.looks++;
      const seen = this.messages;
      await this.held;
      return seen;
    };
    const onGone = (listener: { onAborted(): void }): void => {
      this.leave = () => listener.onAborted();
    };
    const isEnough = (seen: number): boolean => seen > 0;
    return new Promise((found, failed) => {
      this.waiters.wait({ inbox, after: 0n, storeEpoch: 0n, look, isEnough, found, failed, onGone }, timeoutMs);
    });
  }

  append(): void {
    this.messages++;
    this.bus.publish();
  }
}

const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what is there already is answered without parking", async () => {
  const box = new Box();
  box.messages = 2;
  assert.equal(await box.wait(), 2);
  assert.deepEqual([box.waiters.size, box.bus.listeners.size, box.looks], [0, 0, 1]);
});

test("on a bus that hears only later the first look waits for that, so an append before it is found", async () => {
  const box = new Box();
  const listening = Promise.withResolvers<void>();
  box.bus.listening = listening.promise;
  const waiting = box.wait();
  await quiet();
  assert.equal(box.looks, 0);
  box.messages++;
  listening.resolve();
  assert.equal(await waiting, 1);
  assert.equal(box.looks, 1);
});

test("who leaves, or is drained, before the bus hears does not wait for it, and nothing is left behind", async () => {
  const box = new Box();
  const listening = Promise.withResolvers<void>();
  box.bus.listening = listening.promise;
  const leaving = box.wait();
  box.leave();
  await assert.rejects(leaving, { code: "E042_CONNECTION_LOST" });
  const drained = box.wait();
  box.waiters.drain();
  assert.equal(await drained, 0);
  listening.resolve();
  await quiet();
  assert.deepEqual([box.waiters.size, box.bus.listeners.size, box.looks], [0, 0, 1]);
});

test("an append between a look and its answer is not missed", async () => {
  const box = new Box();
  const answer = Promise.withResolvers<void>();
  box.held = answer.promise;
  const waiting = box.wait();
  box.append();
  answer.resolve();
  assert.equal(await waiting, 1);
  assert.equal(box.looks, 2);
});

test("a hint without a message does not end the wait, the next one with a message does", async () => {
  const box = new Box();
  const waiting = box.wait();
  await quiet();
  box.bus.publish();
  await quiet();
  assert.equal(box.waiters.size, 1);
  box.append();
  assert.equal(await waiting, 1);
});

test("what is found is counted by what made the call look: itself, a hint, or only the end of its time", async () => {
  const box = new Box();
  box.messages = 1;
  await box.wait();
  assert.deepEqual(box.found, { first: 1, hint: 0, timer: 0, reconnect: 0 });
  box.messages = 0;
  const hinted = box.wait();
  await quiet();
  box.append();
  await hinted;
  assert.deepEqual(box.found, { first: 1, hint: 1, timer: 0, reconnect: 0 });
  box.messages = 0;
  const unhinted = box.wait();
  await quiet();
  box.messages = 1;
  box.waiters.drain();
  await unhinted;
  assert.deepEqual(box.found, { first: 1, hint: 1, timer: 1, reconnect: 0 });
});

test("a drain ends the wait; who comes afterwards does not park, gets what there is, and else is told to go elsewhere", async () => {
  const box = new Box();
  const waiting = box.wait();
  await quiet();
  box.waiters.drain();
  assert.equal(await waiting, 0);
  await assert.rejects(box.wait(), { code: "E033_SHUTTING_DOWN" });
  assert.equal(box.waiters.size, 0);
  box.messages = 1;
  assert.equal(await box.wait(), 1);
  assert.equal(box.waiters.size, 0);
});

test("a caller that leaves ends the wait at once, without another look", async () => {
  const box = new Box();
  const waiting = box.wait();
  await quiet();
  box.leave();
  await assert.rejects(waiting, { code: "E042_CONNECTION_LOST" });
  assert.deepEqual([box.waiters.size, box.bus.listeners.size, box.looks], [0, 0, 1]);
});

test("a caller that has left before it waits leaves nothing behind", async () => {
  const box = new Box();
  const gone = Promise.withResolvers<number>();
  const waiting = {
    inbox,
    after: 0n,
    storeEpoch: 0n,
    look: async () => box.messages,
    isEnough: () => false,
    found: gone.resolve,
    failed: gone.reject,
    onGone: (listener: { onAborted(): void }) => listener.onAborted(),
  };
  box.waiters.wait(waiting, 60_000);
  await assert.rejects(gone.promise, { code: "E042_CONNECTION_LOST" });
  assert.deepEqual([box.waiters.size, box.waiters.wheel.size, box.bus.listeners.size], [0, 0, 0]);
});

test("a look that is under way when the caller leaves is answered, so that what it leased can be given back", async () => {
  const box = new Box();
  const answer = Promise.withResolvers<void>();
  box.held = answer.promise;
  const waiting = box.wait();
  box.leave();
  answer.resolve();
  assert.equal(await waiting, 0);
  assert.equal(box.waiters.size, 0);
});

test("a look that fails ends the wait with its error and leaves nothing behind", async () => {
  const box = new Box();
  box.held = Promise.reject(new QpqError("E020_STORE_UNAVAILABLE"));
  await assert.rejects(box.wait(), { code: "E020_STORE_UNAVAILABLE" });
  assert.deepEqual([box.waiters.size, box.bus.listeners.size], [0, 0]);
});

test("at waitersMax the next call is told E021_OVERLOADED", async () => {
  const box = new Box(1);
  const first = box.wait();
  await assert.rejects(box.wait(), (error) => error instanceof QpqError && error.code === "E021_OVERLOADED");
  box.append();
  assert.equal(await first, 1);
});

test("the deadline ends the wait, not before its time, after one more look", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 0;
  const realNow = performance.now.bind(performance);
  performance.now = () => nowMs;
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
    mock.timers.tick(ms);
    await quiet();
  };
  try {
    const box = new Box();
    let answer: number | undefined;
    box.wait(5_000).then((seen) => {
      answer = seen;
    });
    await pass(4_999);
    assert.equal(answer, undefined);
    await pass(100);
    assert.deepEqual([answer, box.looks, box.waiters.size], [0, 2, 0]);
  } finally {
    performance.now = realNow;
    mock.timers.reset();
  }
});

test("a wheel calls each once, in time and none that was removed, also after a pause longer than a turn", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  let nowMs = 0;
  const realNow = performance.now.bind(performance);
  performance.now = () => nowMs;
  try {
    const wheel = new TimerWheel(10);
    const fired: number[] = [];
    const delays = [0, 5, 10, 95, 1_000, 10_239, 10_241, 40_000, 70_000];
    const timed = delays.map((delay) => ({ dueTick: 0, onTime: () => fired.push(delay) }));
    for (const [i, one] of timed.entries()) wheel.add(one, delays[i] as number);
    const removed = { dueTick: 0, onTime: () => assert.fail("it was removed") };
    wheel.add(removed, 20);
    wheel.remove(removed);
    wheel.remove(removed);
    for (; nowMs < 20_000; nowMs += 10) {
      mock.timers.tick(10);
      for (const delay of fired) assert.ok(delay <= nowMs + 10, `${delay} at ${nowMs}`);
    }
    assert.deepEqual(fired, delays.slice(0, 7));
    nowMs += 100_000;
    mock.timers.tick(10);
    assert.deepEqual(
      fired.toSorted((a, b) => a - b),
      delays,
    );
  } finally {
    performance.now = realNow;
    mock.timers.reset();
  }
});
