import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LatestByKey } from "../../src/store/postgres/latest-by-key.ts";

test("a key's value is the one that came last, and goes with that one only", () => {
  const latest = new LatestByKey<{ readonly n: number }>();
  const [first, second] = [{ n: 1 }, { n: 2 }];
  latest.set("a", first);
  latest.set("a", second);
  latest.remove("a", first);
  assert.equal(latest.get("a"), second);
  latest.remove("a", second);
  assert.equal(latest.get("a"), undefined);
  assert.equal(latest.get("b"), undefined);
});

test("those that stay are found however many came and went beside them", () => {
  const latest = new LatestByKey<{ readonly n: number }>();
  const staying = Array.from({ length: 300 }, (_, n) => ({ n }));
  for (const value of staying) latest.set(`staying ${value.n}`, value);
  for (let n = 0; n < 10_000; n++) {
    const value = { n };
    latest.set(`passing ${n}`, value);
    latest.remove(`passing ${n}`, value);
  }
  for (const value of staying) assert.equal(latest.get(`staying ${value.n}`), value);
  assert.equal(latest.get("passing 9999"), undefined);
});

test("what came and went is not kept: a million keys leave no more than a few hundred KB", () => {
  const latest = new LatestByKey<object>();
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 1_000_000; n++) {
    const value = {};
    latest.set(`key ${n}`, value);
    latest.remove(`key ${n}`, value);
  }
  gc();
  const keptBytes = process.memoryUsage().heapUsed - before;
  assert.ok(keptBytes < 1_000_000, `${keptBytes} bytes are kept`);
  assert.equal(latest.get("key 1"), undefined);
});
