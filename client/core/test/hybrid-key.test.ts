import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { labels } from "quicproquo-proto";
import { HybridKeyPair, Identity, parseHybridPublicKey, signHybridKey, verifyHybridKey } from "quicproquo-core";
import { lowOrderPoints } from "./low-order-points.ts";

const refusedKey = { name: "QpqError", code: "E015_HYBRID_KEY" };

test("a public key is 1216 bytes and parses to the same bytes, in a copy of its own", () => {
  const { publicKey } = HybridKeyPair.generate();
  assert.equal(publicKey.length, 1216);
  const given = Buffer.from(publicKey);
  const parsed = parseHybridPublicKey(given);
  given.fill(0);
  assert.deepEqual(parsed, publicKey);
});

test("a pair rebuilt from its exported seed has the same public key", () => {
  const pair = HybridKeyPair.generate();
  const seed = pair.exportSeed();
  assert.equal(seed.length, 96);
  assert.deepEqual(HybridKeyPair.fromSeed(seed).publicKey, pair.publicKey);
});

test("a seed of another length is no pair", () => {
  for (const length of [0, 95, 97]) assert.throws(() => HybridKeyPair.fromSeed(new Uint8Array(length)), TypeError);
});

test("a public key of any length but 1216 is refused", () => {
  const { publicKey } = HybridKeyPair.generate();
  for (let length = 0; length < 1216; length++) {
    assert.throws(() => parseHybridPublicKey(publicKey.subarray(0, length)), refusedKey, `length ${length}`);
  }
  assert.throws(() => parseHybridPublicKey(Uint8Array.of(...publicKey, 0)), refusedKey);
});

for (const { name, bytes } of lowOrderPoints) {
  test(`a public key with the low-order X25519 point ${name} is refused`, () => {
    const key = Uint8Array.from(HybridKeyPair.generate().publicKey);
    key.set(bytes, 0);
    assert.throws(() => parseHybridPublicKey(key), { ...refusedKey, message: /low-order/ });
  });
}

test("a public key with any one of its 768 ML-KEM coefficients at 3329 is refused", () => {
  const good = HybridKeyPair.generate().publicKey;
  for (let coefficient = 0; coefficient < 768; coefficient++) {
    const key = Uint8Array.from(good);
    // Two 12-bit coefficients stand in three bytes, little-endian.
    const at = 32 + (coefficient >> 1) * 3;
    if (coefficient % 2 === 0) {
      key[at] = 3329 & 0xff;
      key[at + 1] = ((key[at + 1] as number) & 0xf0) | (3329 >> 8);
    } else {
      key[at + 1] = ((key[at + 1] as number) & 0x0f) | ((3329 & 0x0f) << 4);
      key[at + 2] = 3329 >> 4;
    }
    assert.throws(() => parseHybridPublicKey(key), { ...refusedKey, message: /ML-KEM/ }, `coefficient ${coefficient}`);
  }
});

test("a key with its identity's signature is accepted", () => {
  const identity = Identity.generate();
  const { publicKey } = HybridKeyPair.generate();
  const signature = signHybridKey(identity, publicKey);
  const { identityKey } = identity;
  assert.deepEqual(verifyHybridKey({ identityKey, hybridPublicKey: publicKey, signature }), publicKey);
});

test("a key that is unsigned, altered, swapped, or signed by another identity or for another purpose is refused", () => {
  const identity = Identity.generate();
  const server = Identity.generate();
  const { identityKey } = identity;
  const { publicKey } = HybridKeyPair.generate();
  const other = HybridKeyPair.generate().publicKey;
  const signature = signHybridKey(identity, publicKey);
  const altered = Uint8Array.from(publicKey);
  altered[700] = (altered[700] as number) ^ 1;
  const cases = {
    unsigned: { identityKey, hybridPublicKey: publicKey, signature: new Uint8Array(0) },
    zeros: { identityKey, hybridPublicKey: publicKey, signature: new Uint8Array(64) },
    altered: { identityKey, hybridPublicKey: altered, signature },
    swapped: { identityKey, hybridPublicKey: other, signature },
    otherIdentity: { identityKey: server.identityKey, hybridPublicKey: publicKey, signature },
    signedByServer: { identityKey, hybridPublicKey: other, signature: signHybridKey(server, other) },
    // The signer named itself inside what it signed, but is not whom the caller asked for.
    signedForVictim: {
      identityKey,
      hybridPublicKey: other,
      signature: server.sign(labels.hybridKey, identityKey, other),
    },
    otherLabel: {
      identityKey,
      hybridPublicKey: publicKey,
      signature: identity.sign(labels.device, identityKey, publicKey),
    },
    withoutIdentity: { identityKey, hybridPublicKey: publicKey, signature: identity.sign(labels.hybridKey, publicKey) },
  };
  for (const [name, upload] of Object.entries(cases)) {
    assert.throws(() => verifyHybridKey(upload), { ...refusedKey, message: /not signed/ }, name);
  }
});

test("a correctly signed key that is no valid key is refused all the same", () => {
  const identity = Identity.generate();
  const key = Uint8Array.from(HybridKeyPair.generate().publicKey).fill(0xff, 32);
  const signature = identity.sign(labels.hybridKey, identity.identityKey, key);
  const { identityKey } = identity;
  assert.throws(() => verifyHybridKey({ identityKey, hybridPublicKey: key, signature }), refusedKey);
});

test("a key pair prints as [secret] wherever it is printed", () => {
  const pair = HybridKeyPair.generate();
  assert.equal(inspect(pair, { depth: 9, showHidden: true }), "[secret]");
  assert.equal(`${pair}`, "[secret]");
  assert.equal(JSON.stringify({ pair }), '{"pair":"[secret]"}');
});
