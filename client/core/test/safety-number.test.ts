/** Both people see the same digits, and nobody else's keys give them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIdentityKey } from "quicproquo-proto";
import { Identity } from "../src/identity.ts";
import { safetyNumber } from "../src/safety-number.ts";

test("both sides see the same twelve groups of five digits", () => {
  const [alice, bob] = [Identity.generate().identityKey, Identity.generate().identityKey];
  const digits = safetyNumber(alice, bob);
  assert.match(digits, /^(\d{5} ){11}\d{5}$/);
  assert.equal(safetyNumber(bob, alice), digits);
});

test("another key on either side gives other digits, also one that differs in a single bit", () => {
  const alice = Identity.generate().identityKey;
  const bob = Identity.generate().identityKey;
  const near = parseIdentityKey(Uint8Array.from(bob, (byte, i) => (i === 31 ? byte ^ 1 : byte)));
  const seen = new Set([
    safetyNumber(alice, bob),
    safetyNumber(alice, near),
    safetyNumber(near, bob),
    safetyNumber(alice, alice),
  ]);
  assert.equal(seen.size, 4);
});

test("the digits are those that a second implementation (Python) gives", () => {
  const one = parseIdentityKey(new Uint8Array(32).fill(1));
  const two = parseIdentityKey(new Uint8Array(32).fill(2));
  assert.equal(safetyNumber(one, two), "78832 20217 29147 40639 47909 96445 92816 87553 24018 80172 36418 58455");
});
