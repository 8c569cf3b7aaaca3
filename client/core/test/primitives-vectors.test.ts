/** X25519, HKDF, ChaCha20-Poly1305, Ed25519 and Argon2id against their RFCs and Wycheproof. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { primitives } from "#primitives";
import { bytesOf, hexOf, readVectors, readWycheproof, type WycheproofGroup } from "./vectors.ts";

type Rfc = {
  x25519: readonly { source: string; scalar: string; u: string; result: string }[];
  x25519Iterated: readonly { source: string; iterations: number; result: string }[];
  hkdfSha256: readonly { source: string; ikm: string; salt: string; info: string; okm: string }[];
  argon2id: readonly {
    source: string;
    password: string;
    salt: string;
    memoryKib: number;
    passes: number;
    parallelism: number;
    key: string;
  }[];
  chacha20Poly1305: readonly {
    source: string;
    key: string;
    nonce: string;
    aad: string;
    plaintext: string;
    sealed: string;
  }[];
};

const rfc = readVectors<Rfc>("rfc.json");
const noBytes = new Uint8Array(0);

test("the file of RFC vectors has all of them", () => {
  const counts = Object.fromEntries(Object.entries(rfc).map(([name, list]) => [name, list.length]));
  assert.deepEqual(counts, { x25519: 4, x25519Iterated: 2, hkdfSha256: 3, argon2id: 1, chacha20Poly1305: 1 });
});

for (const { source, scalar, u, result } of rfc.x25519) {
  test(`X25519: ${source}`, () => {
    const shared = primitives.agreementKey(bytesOf(scalar)).agree(bytesOf(u));
    assert.equal(hexOf(shared ?? noBytes), result);
  });
}

for (const { source, iterations, result } of rfc.x25519Iterated) {
  test(`X25519: ${source}`, () => {
    let k = Uint8Array.of(9, ...new Uint8Array(31));
    let u = k;
    for (let i = 0; i < iterations; i++) {
      const next = Uint8Array.from(primitives.agreementKey(k).agree(u) ?? noBytes);
      u = k;
      k = next;
    }
    assert.equal(hexOf(k), result);
  });
}

for (const { source, ikm, salt, info, okm } of rfc.hkdfSha256) {
  test(`HKDF-SHA256: ${source}`, () => {
    const options = { inputKey: bytesOf(ikm), salt: bytesOf(salt), info: bytesOf(info), keyBytes: okm.length / 2 };
    assert.equal(hexOf(primitives.hkdfSha256(options)), okm);
  });
}

for (const { source, password, salt, key, ...cost } of rfc.argon2id) {
  test(`Argon2id: ${source}`, async () => {
    const options = { password: bytesOf(password), salt: bytesOf(salt), keyBytes: key.length / 2, ...cost };
    assert.equal(hexOf(await primitives.argon2id(options)), key);
  });
}

for (const { source, key, nonce, aad, plaintext, sealed } of rfc.chacha20Poly1305) {
  test(`ChaCha20-Poly1305: ${source}`, () => {
    const options = { key: bytesOf(key), nonce: bytesOf(nonce), aad: bytesOf(aad) };
    assert.equal(hexOf(primitives.seal(options, bytesOf(plaintext))), sealed);
    assert.equal(hexOf(primitives.open(options, bytesOf(sealed)) ?? noBytes), plaintext);
  });
}

test("Wycheproof X25519: all 518, and a result of zeros is none", () => {
  type Test = { public: string; private: string; shared: string };
  const tests = readWycheproof<WycheproofGroup<Test>>("x25519").flatMap((group) => group.tests);
  let zeros = 0;
  for (const { tcId, public: peer, private: scalar, shared } of tests) {
    const result = primitives.agreementKey(bytesOf(scalar)).agree(bytesOf(peer));
    if (/^0+$/.test(shared)) {
      assert.equal(result, undefined, `tcId ${tcId}`);
      zeros++;
    } else assert.equal(hexOf(result ?? noBytes), shared, `tcId ${tcId}`);
  }
  assert.equal(tests.length, 518);
  assert.ok(zeros > 0);
});

test("Wycheproof HKDF-SHA256: 83 keys, and 3 too long ones are refused", () => {
  type Test = { ikm: string; salt: string; info: string; size: number; okm: string };
  const tests = readWycheproof<WycheproofGroup<Test>>("hkdf_sha256").flatMap((group) => group.tests);
  for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
    const options = { inputKey: bytesOf(ikm), salt: bytesOf(salt), info: bytesOf(info), keyBytes: size };
    if (result === "valid") assert.equal(hexOf(primitives.hkdfSha256(options)), okm, `tcId ${tcId}`);
    else assert.throws(() => primitives.hkdfSha256(options), RangeError, `tcId ${tcId}`);
  }
  assert.equal(tests.length, 86);
});

test("Wycheproof ChaCha20-Poly1305: 256 open, 69 altered ones or nonces of another length do not", () => {
  type Test = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
  const tests = readWycheproof<WycheproofGroup<Test>>("chacha20_poly1305").flatMap((group) => group.tests);
  let refused = 0;
  for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
    const options = { key: bytesOf(key), nonce: bytesOf(iv), aad: bytesOf(aad) };
    if (result === "valid") {
      assert.equal(hexOf(primitives.seal(options, bytesOf(msg))), ct + tag, `tcId ${tcId}`);
      assert.deepEqual(primitives.open(options, bytesOf(ct + tag)), bytesOf(msg), `tcId ${tcId}`);
      continue;
    }
    refused++;
    if (options.nonce.length === 12)
      assert.equal(primitives.open(options, bytesOf(ct + tag)), undefined, `tcId ${tcId}`);
    else assert.throws(() => primitives.open(options, bytesOf(ct + tag)), TypeError, `tcId ${tcId}`);
  }
  assert.equal(tests.length, 325);
  assert.equal(refused, 69);
});

test("Wycheproof Ed25519: 88 signatures hold, 63 do not", () => {
  type Test = { msg: string; sig: string };
  type Group = WycheproofGroup<Test> & { readonly publicKey: { readonly pk: string } };
  let checked = 0;
  for (const { publicKey, tests } of readWycheproof<Group>("ed25519")) {
    for (const { tcId, msg, sig, result } of tests) {
      const holds = primitives.verify(bytesOf(publicKey.pk), bytesOf(msg), bytesOf(sig));
      assert.equal(holds, result === "valid", `tcId ${tcId}`);
      checked++;
    }
  }
  assert.equal(checked, 151);
});

test("a sealed text shorter than a tag is refused", () => {
  const options = { key: new Uint8Array(32), nonce: new Uint8Array(12), aad: noBytes };
  for (let length = 0; length < 16; length++) {
    assert.equal(primitives.open(options, new Uint8Array(length)), undefined);
  }
});
