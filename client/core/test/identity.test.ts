import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { labels, parseIdentityKey } from "quicproquo-proto";
import { Identity, type Label, verifySignature } from "quicproquo-core";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const allLabels = Object.values(labels);

test("the seed of RFC 8032 test 1 gives the public key of RFC 8032 test 1", () => {
  const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
  const publicKey = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  assert.equal(Buffer.from(Identity.fromSeed(seed).identityKey).toString("hex"), publicKey);
});

test("a seed of another length is no identity", () => {
  for (const length of [0, 31, 33, 64]) assert.throws(() => Identity.fromSeed(new Uint8Array(length)), TypeError);
});

test("an identity rebuilt from its exported seed has the same key and signs alike", () => {
  const identity = Identity.generate();
  const again = Identity.fromSeed(identity.exportSeed());
  assert.deepEqual(again.identityKey, identity.identityKey);
  assert.deepEqual(again.sign(labels.device, bytesOf("x")), identity.sign(labels.device, bytesOf("x")));
});

test("two generated identities differ", () => {
  assert.notDeepEqual(Identity.generate().identityKey, Identity.generate().identityKey);
});

test("a signature holds under its own label and under no other", () => {
  const identity = Identity.generate();
  const { identityKey } = identity;
  const parts = [identityKey, bytesOf("the thing signed")];
  for (const made of allLabels) {
    const signature = identity.sign(made, ...parts);
    const holdsUnder = allLabels.filter((label) => verifySignature({ identityKey, label, parts, signature }));
    assert.deepEqual(holdsUnder, [made]);
  }
});

test("no label is empty, repeated, holds a zero byte or begins another one up to its separator", () => {
  assert.equal(new Set(allLabels).size, allLabels.length);
  for (const label of allLabels) {
    assert.match(label, /^[a-z-]+-v1$/);
    for (const other of allLabels) assert.ok(other === label || !`${other}\0`.startsWith(`${label}\0`));
  }
});

test("a signature is over label, zero byte and the parts in order, nothing else", () => {
  const identity = Identity.generate();
  const signature = identity.sign(labels.device, bytesOf("ab"), bytesOf("c"));
  const check = (parts: readonly Uint8Array[], label: Label = labels.device): boolean =>
    verifySignature({ identityKey: identity.identityKey, label, parts, signature });
  assert.ok(check([bytesOf("abc")]));
  assert.ok(!check([bytesOf("c"), bytesOf("ab")]));
  assert.ok(!check([bytesOf("ab")]));
  assert.ok(!check([bytesOf("abc"), new Uint8Array(1)]));
});

test("a signature with any bit flipped, of another length or by another identity is refused", () => {
  const identity = Identity.generate();
  const parts = [bytesOf("payload")];
  const signature = identity.sign(labels.login, ...parts);
  const check = (bytes: Uint8Array, identityKey = identity.identityKey): boolean =>
    verifySignature({ identityKey, label: labels.login, parts, signature: bytes });
  assert.ok(check(signature));
  for (let bit = 0; bit < 512; bit++) {
    const altered = Uint8Array.from(signature);
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.ok(!check(altered), `bit ${bit}`);
  }
  for (let length = 0; length < 64; length++) assert.ok(!check(signature.subarray(0, length)), `length ${length}`);
  assert.ok(!check(Uint8Array.of(...signature, 0)));
  assert.ok(!check(signature, Identity.generate().identityKey));
});

test("whatever a peer sends as key and signature gives an answer, never an exception", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(bytes(32), fc.uint8Array({ maxLength: 80 }), (key, signature) => {
      const identityKey = parseIdentityKey(key);
      const holds = verifySignature({ identityKey, label: labels.device, parts: [], signature });
      assert.equal(typeof holds, "boolean");
    }),
  );
});

test("an identity prints as [secret] wherever it is printed", () => {
  const identity = Identity.generate();
  assert.equal(inspect(identity, { depth: 9, showHidden: true }), "[secret]");
  assert.equal(`${identity}`, "[secret]");
  assert.equal(JSON.stringify({ identity }), '{"identity":"[secret]"}');
});
