/** The directory over the store in memory: who is found by what, how often one may ask, and how long an endpoint stands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { addressText, Directory } from "../../src/accounts/directory.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import { keyOf, limits as defaultLimits, memoryStore, putAccount, putDevice } from "../access/accounts.ts";

const isCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof QpqError && error.code === code;

class Place {
  nowMs = 1_700_000_000_000;
  readonly clock = (): number => this.nowMs;
  readonly store = memoryStore(this.clock);
  readonly directory: Directory;

  constructor(limits: Partial<typeof defaultLimits> = {}) {
    const rates = new LocalRates(this.clock);
    const store = this.store.accounts;
    this.directory = new Directory({ store, rates, limits: { ...defaultLimits, ...limits }, clock: this.clock });
  }
}

test("a name in any of its forms is its identity's, the identity's key and its devices' are the name's; else it is empty", async () => {
  const { store, directory } = new Place();
  const identity = await putAccount(store, 1);
  await putDevice(store, identity, 2);
  assert.deepEqual(await directory.identityOf("USER1", keyOf(9)), identity);
  assert.deepEqual(await directory.identityOf("user2", keyOf(9)), new Uint8Array());
  assert.equal(await directory.usernameOf(identity, keyOf(9)), "user1");
  assert.equal(await directory.usernameOf(keyOf(2), keyOf(9)), "user1");
  assert.equal(await directory.usernameOf(keyOf(3), keyOf(9)), "");
  await assert.rejects(directory.identityOf("a b", keyOf(9)), isCode("E065_USERNAME"));
  await assert.rejects(directory.usernameOf(new Uint8Array(31), keyOf(9)), isCode("E007_KEY_LENGTH"));
});

test("names, keys and endpoints together are so many a minute for an account; another one has its own, the static token no limit", async () => {
  const place = new Place({ lookupsPerMinute: 3 });
  const { directory } = place;
  const lookups = [
    (asker = keyOf(1)) => directory.identityOf("user1", asker),
    (asker = keyOf(1)) => directory.usernameOf(keyOf(5), asker),
    (asker = keyOf(1)) => directory.endpointOf(keyOf(5), asker),
  ];
  for (const look of lookups) await look();
  for (const look of lookups) {
    const refusal = await look().catch((error: unknown) => error);
    assert.ok(isCode("E018_RATE_LIMIT")(refusal));
    assert.equal((refusal as QpqError).retryAfterMs, 20_000);
  }
  await lookups[0]!(keyOf(2));
  for (let n = 0; n < 10; n++) await directory.identityOf("user1", undefined);
  place.nowMs += 20_000;
  await lookups[1]!();
});

test("an endpoint is found until its life is over; the next one replaces it, an empty one takes it back, a long one is refused", async () => {
  const place = new Place({ endpointBytesMax: 4, endpointLifeSecs: 60 });
  const { directory } = place;
  const found = () => directory.endpointOf(keyOf(1), keyOf(2));
  assert.deepEqual(await found(), new Uint8Array());
  await directory.publishEndpoint(keyOf(1), Uint8Array.of(1, 2, 3, 4));
  await assert.rejects(directory.publishEndpoint(keyOf(1), new Uint8Array(5)), isCode("E001_BAD_REQUEST"));
  place.nowMs += 59_999;
  assert.deepEqual(await found(), Uint8Array.of(1, 2, 3, 4));
  place.nowMs += 1;
  assert.deepEqual(await found(), new Uint8Array());
  await directory.publishEndpoint(keyOf(1), Uint8Array.of(1));
  await directory.publishEndpoint(keyOf(1), Uint8Array.of(2));
  assert.deepEqual(await found(), Uint8Array.of(2));
  await directory.publishEndpoint(keyOf(1), new Uint8Array());
  assert.deepEqual(await found(), new Uint8Array());
});

test("an address is written as a client can dial it: an IPv6 one in brackets, a mapped one as the IPv4 one that it is", () => {
  const text = (host: string): string => addressText({ host, port: 4433 });
  assert.equal(text("192.0.2.1"), "192.0.2.1:4433");
  assert.equal(text("::ffff:192.0.2.1"), "192.0.2.1:4433");
  assert.equal(text("2001:db8::1"), "[2001:db8::1]:4433");
  assert.equal(text("fe80::1%eth0"), "[fe80::1]:4433");
});
