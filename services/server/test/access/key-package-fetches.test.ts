/** Nobody empties another's pool of KeyPackages alone: an account fetches a few of each identity's in an hour. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { Keys } from "../../src/keys/keys.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import { keyOf, limits, memoryStore } from "./accounts.ts";

const [alice, bob, carol, mallory] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)];
type Key = typeof alice;

function start() {
  let nowMs = 0;
  const store = memoryStore(() => nowMs);
  const rates = new LocalRates(() => nowMs);
  const keys = new Keys({ store: store.keys, rates, limits, clock: () => nowMs });
  /** How many it got before it was refused, and the refusal. */
  const fetchAll = async (identity: Key, by: Key | undefined): Promise<[number, QpqError | undefined]> => {
    for (let count = 0; count < 50; count++) {
      try {
        await keys.fetchKeyPackage(identity, by);
      } catch (error) {
        assert.ok(error instanceof QpqError);
        return [count, error];
      }
    }
    return [50, undefined];
  };
  return { keys, fetchAll, pass: (ms: number) => (nowMs += ms) };
}

test("an account fetches 10 KeyPackages of one identity an hour and is told when the next one may be", async () => {
  const { keys, fetchAll, pass } = start();
  for (let n = 0; n < 30; n++) await keys.uploadKeyPackage(bob, Uint8Array.of(n), false);
  const [count, refusal] = await fetchAll(bob, mallory);
  assert.equal(count, 10);
  assert.deepEqual([refusal?.code, refusal?.fields["limit"]], ["E018_RATE_LIMIT", "keyPackageFetchesPerHour"]);
  assert.equal(refusal?.retryAfterMs, 360_000);
  pass(359_999);
  assert.equal((await fetchAll(bob, mallory))[0], 0);
  pass(1);
  assert.equal((await fetchAll(bob, mallory))[0], 1);
  // of what it has not taken others still get
  assert.equal((await keys.fetchKeyPackage(bob, alice)).length, 1);
});

test("who is refused for one identity is let to others', and others to that one's; the static token has no such limit", async () => {
  const { fetchAll } = start();
  await fetchAll(bob, mallory);
  assert.equal((await fetchAll(carol, mallory))[0], 10);
  assert.equal((await fetchAll(bob, alice))[0], 10);
  assert.equal((await fetchAll(bob, undefined))[0], 50);
});

test("an account that takes one of each of many is stopped as well", async () => {
  const { keys } = start();
  const identityOf = (n: number) =>
    Uint8Array.from(bob)
      .fill(n >> 8, 30)
      .fill(n & 255, 31) as typeof bob;
  for (let n = 0; n < 3_000; n++) await keys.fetchKeyPackage(identityOf(n), mallory);
  await assert.rejects(keys.fetchKeyPackage(identityOf(3_000), mallory), (error) => {
    assert.ok(error instanceof QpqError && error.code === "E018_RATE_LIMIT");
    return error.fields["limit"] === "keyPackagesPerHour" && error.retryAfterMs === 1_200;
  });
  await keys.fetchKeyPackage(identityOf(3_000), alice);
});
