import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { SecretBytes } from "quicproquo-core";

test("secret bytes print as [secret] wherever they are printed", () => {
  const secret = new SecretBytes(new Uint8Array(32).fill(7));
  assert.equal(inspect(secret, { depth: 9, showHidden: true }), "[secret]");
  assert.equal(`${secret}`, "[secret]");
  assert.equal(JSON.stringify({ secret }), '{"secret":"[secret]"}');
});

test("secret bytes are copies: neither the giver's nor the reader's wiping changes them", () => {
  const given = Buffer.from([1, 2, 3]);
  const secret = new SecretBytes(given);
  given.fill(0);
  secret.reveal().fill(0);
  assert.deepEqual(secret.reveal(), Uint8Array.of(1, 2, 3));
});

test("wiped secret bytes are zeros", () => {
  const secret = new SecretBytes(Uint8Array.of(1, 2, 3));
  secret.wipe();
  assert.deepEqual(secret.reveal(), new Uint8Array(3));
});
