/** What a sender may send is what the limits say, whatever it sends to and however many there are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LocalRates } from "../../src/store/local-rates.ts";

class Rates {
  nowMs = 1_234.567;
  readonly rates: LocalRates;
  constructor(bucketsMax?: number) {
    this.rates = new LocalRates(() => this.nowMs, bucketsMax);
  }
}

test("a burst is admitted, the next one as soon as it was told to come back, and not a millisecond before", () => {
  const clock = new Rates();
  const admit = (): number => clock.rates.admit("key", { perSecond: 10, burst: 3 }, 1);
  assert.deepEqual([admit(), admit(), admit(), admit(), admit()], [0, 0, 0, 100, 100]);
  clock.nowMs += 99;
  assert.equal(admit(), 1);
  clock.nowMs += 1;
  assert.deepEqual([admit(), admit()], [0, 100]);
  assert.equal(clock.rates.admit("another", { perSecond: 10, burst: 3 }, 1), 0);
});

test("more at once than a burst is admitted by a full bucket alone, and paid off before the next", () => {
  const clock = new Rates();
  const admit = (cost: number): number => clock.rates.admit("key", { perSecond: 10, burst: 3 }, cost);
  assert.deepEqual([admit(1), admit(5)], [0, 100]);
  clock.nowMs += 100;
  assert.deepEqual([admit(5), admit(1)], [0, 300]);
});

test("whatever is asked when, no more is admitted than the burst, one whole call and what has come since", () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(2_000), cost: fc.integer({ min: 1, max: 20 }) }), {
    maxLength: 50,
  });
  const limits = fc.record({ perSecond: fc.integer({ min: 1, max: 1_000 }), burst: fc.integer({ min: 1, max: 100 }) });
  fc.assert(
    fc.property(steps, limits, (steps, limit) => {
      const clock = new Rates();
      const startMs = clock.nowMs;
      let admitted = 0;
      for (const { waitMs, cost } of steps) {
        clock.nowMs += waitMs;
        const retryAfterMs = clock.rates.admit("key", limit, cost);
        assert.ok(Number.isInteger(retryAfterMs) && retryAfterMs >= 0);
        if (retryAfterMs === 0) admitted += cost;
        const most = limit.burst + 20 + ((clock.nowMs - startMs) / 1_000) * limit.perSecond;
        assert.ok(admitted <= most, `${admitted} of ${most}`);
        if (retryAfterMs === 0) continue;
        clock.nowMs += retryAfterMs;
        assert.equal(clock.rates.admit("key", limit, cost), 0, "it was told when to come back");
        admitted += cost;
      }
    }),
  );
});

test("100,000 keys leave 1,000 buckets, and do not make it forget the one that owes", () => {
  const clock = new Rates(1_000);
  const slow = { perSecond: 1, burst: 1 };
  assert.equal(clock.rates.admit("owes", { perSecond: 0.000_5, burst: 1 }, 1), 0);
  for (let i = 0; i < 100_000; i++) {
    clock.nowMs += 10; // 100 of them owe at any time
    clock.rates.admit(`key ${i}`, slow, 1);
    assert.ok(clock.rates.size <= 1_000);
    if (i % 1_000 === 0) assert.ok(clock.rates.admit("owes", { perSecond: 0.000_5, burst: 1 }, 1) > 0);
  }
});

test("one that owes is remembered though nobody asks for it while others come and go", () => {
  const clock = new Rates(1_000);
  const slow = { perSecond: 1, burst: 1 };
  clock.rates.admit("owes", { perSecond: 0.000_01, burst: 1 }, 1);
  for (let i = 0; i < 100_000; i++) {
    clock.nowMs += 10;
    clock.rates.admit(`key ${i}`, slow, 1);
  }
  assert.ok(clock.rates.admit("owes", { perSecond: 0.000_01, burst: 1 }, 1) > 0);
});
