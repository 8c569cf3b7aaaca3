/**
 * The platform's ML-KEM-768 against NIST ACVP and Wycheproof. Node takes no randomness for encapsulation, so a vector's
 * ciphertext is decapsulated to the vector's secret instead. That checks encapsulation too: decapsulation encapsulates
 * again and gives another secret when the ciphertext is not the same to the last bit.
 */
import assert from "node:assert/strict";
import { createPrivateKey, decapsulate, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { primitives } from "#primitives";
import { bytesOf, hexOf, readVectors, readWycheproof, type WycheproofGroup } from "./vectors.ts";

type AcvpFunction = "keyGen" | "encapsulation" | "decapsulation" | "encapsulationKeyCheck" | "decapsulationKeyCheck";
type AcvpTest = { d: string; z: string; ek: string; dk: string; c: string; k: string; testPassed: boolean };
type AcvpFile = { testGroups: readonly { function: AcvpFunction; tests: readonly AcvpTest[] }[] };

const acvp = readVectors<AcvpFile>("acvp_ml_kem_768.json.gz");

function acvpTests(name: AcvpFunction, count: number): readonly AcvpTest[] {
  const tests = acvp.testGroups.filter((group) => group.function === name).flatMap((group) => group.tests);
  assert.equal(tests.length, count);
  return tests;
}

const algorithm = "300b0609608648016503040402"; // id-alg-ml-kem-768
const der = (tag: string, content: string): string => {
  const length = (content.length / 2).toString(16).padStart(4, "0");
  return `${tag}82${length}${content}`;
};

/** Imports FIPS 203's 2400-byte decapsulation key, which the product never does: it keeps seeds. Throws when refused. */
function importExpanded(dk: string): KeyObject {
  const key = der("30", `020100${algorithm}${der("04", der("04", dk))}`);
  return createPrivateKey({ key: Buffer.from(key, "hex"), format: "der", type: "pkcs8" });
}

function decapsulates(key: KeyObject, c: string): string {
  return hexOf(decapsulate(key, bytesOf(c)));
}

/**
 * Node gives out a seed but not the expanded key, so the vector's is compared by what it does: a good ciphertext shows
 * the secret vector, an altered one, whose secret is a hash of z and the ciphertext, the rest.
 */
function assertSameKey(seed: Uint8Array, dk: string): void {
  const key = primitives.kemKey(seed);
  const expanded = importExpanded(dk);
  const good = primitives.encapsulate(key.publicKey);
  assert.ok(good !== undefined);
  const altered = Uint8Array.from(good.ciphertext, (byte, at) => (at === 500 ? byte ^ 1 : byte));
  assert.equal(hexOf(key.decapsulate(good.ciphertext)), hexOf(good.sharedSecret));
  for (const ciphertext of [good.ciphertext, altered]) {
    assert.equal(decapsulates(expanded, hexOf(ciphertext)), hexOf(key.decapsulate(ciphertext)));
  }
}

/** The verdict on an encapsulation key, whether its length or its coefficients are at fault. */
function takesPublicKey(ek: string): boolean {
  try {
    return primitives.encapsulate(bytesOf(ek)) !== undefined;
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return false;
  }
}

test("ACVP: all 25 seeds give the vector's encapsulation key, and a private key that does what the vector's does", () => {
  for (const { d, z, ek, dk } of acvpTests("keyGen", 25)) {
    const seed = bytesOf(d + z);
    assert.equal(hexOf(primitives.kemKey(seed).publicKey), ek.toLowerCase());
    assertSameKey(seed, dk);
  }
});

test("ACVP: all 25 encapsulations decapsulate to the vector's secret (Node takes no randomness to repeat them)", () => {
  for (const { ek, dk, c, k } of acvpTests("encapsulation", 25)) {
    const key = importExpanded(dk);
    assert.equal(decapsulates(key, c), k.toLowerCase());
    const own = primitives.encapsulate(bytesOf(ek));
    assert.ok(own !== undefined);
    assert.deepEqual(decapsulates(key, hexOf(own.ciphertext)), hexOf(own.sharedSecret));
  }
});

test("ACVP: all 10 decapsulations give the vector's secret, the 5 altered ciphertexts the implicit rejection's", () => {
  for (const { dk, c, k } of acvpTests("decapsulation", 10)) {
    assert.equal(decapsulates(importExpanded(dk), c), k.toLowerCase());
  }
});

test("ACVP: of 10 encapsulation keys the 5 with too large coefficients are refused", () => {
  const verdicts = acvpTests("encapsulationKeyCheck", 10).map(({ ek, testPassed }) => {
    assert.equal(takesPublicKey(ek), testPassed);
    return testPassed;
  });
  assert.equal(verdicts.filter((passed) => !passed).length, 5);
});

test("ACVP: of 10 decapsulation keys the 5 with an altered hash are refused", () => {
  const verdicts = acvpTests("decapsulationKeyCheck", 10).map(({ dk, testPassed }) => {
    if (testPassed) assert.equal(importExpanded(dk).asymmetricKeyType, "ml-kem-768");
    else assert.throws(() => importExpanded(dk));
    return testPassed;
  });
  assert.equal(verdicts.filter((passed) => !passed).length, 5);
});

type DecapsTest = { seed: string; ek: string; c: string; K: string };
type KeyGenTest = { seed: string; ek: string; dk: string };

const decapsTests = readWycheproof<WycheproofGroup<DecapsTest>>("mlkem_768").flatMap((group) => group.tests);
const keyGenTests = readWycheproof<WycheproofGroup<KeyGenTest>>("mlkem_768_keygen_seed").flatMap(
  (group) => group.tests,
);

test("Wycheproof: all 100 seeds give the vector's encapsulation key, and a private key that does what the vector's does", () => {
  assert.equal(keyGenTests.length, 100);
  for (const { seed, ek, dk, result } of keyGenTests) {
    assert.equal(result, "valid");
    assert.equal(hexOf(primitives.kemKey(bytesOf(seed)).publicKey), ek);
    assertSameKey(bytesOf(seed), dk);
  }
});

test("Wycheproof: of 201 decapsulations 161 give the vector's secret and 40 wrong lengths are refused", () => {
  let refused = 0;
  for (const { tcId, seed, ek, c, K, result } of decapsTests) {
    const run = () => {
      const key = primitives.kemKey(bytesOf(seed));
      return { ek: hexOf(key.publicKey), K: hexOf(key.decapsulate(bytesOf(c))) };
    };
    if (result === "valid") {
      assert.deepEqual(run(), { ek, K }, `tcId ${tcId}`);
      continue;
    }
    assert.throws(run, TypeError, `tcId ${tcId}`);
    refused++;
  }
  assert.equal(decapsTests.length, 201);
  assert.equal(refused, 40);
});

test("Wycheproof: of 265 encapsulations 132 keys are refused, and 130 ciphertexts decapsulate to the vector's secret", () => {
  type EncapsTest = { ek: string; c: string; K: string };
  const tests = readWycheproof<WycheproofGroup<EncapsTest>>("mlkem_768_encaps").flatMap((group) => group.tests);
  const seeds = new Map([...decapsTests, ...keyGenTests].map(({ ek, seed }) => [ek, seed]));
  const counts = { refused: 0, decapsulated: 0, onlyTaken: 0 };
  for (const { tcId, ek, c, K, result } of tests) {
    assert.equal(takesPublicKey(ek), result === "valid", `tcId ${tcId}`);
    const seed = seeds.get(ek);
    if (result !== "valid") counts.refused++;
    else if (seed === undefined)
      counts.onlyTaken++; // three keys whose private half no vector has
    else {
      assert.equal(hexOf(primitives.kemKey(bytesOf(seed)).decapsulate(bytesOf(c))), K, `tcId ${tcId}`);
      counts.decapsulated++;
    }
  }
  assert.equal(tests.length, 265);
  assert.deepEqual(counts, { refused: 132, decapsulated: 130, onlyTaken: 3 });
});

test("Wycheproof: of 9 expanded decapsulation keys 3 give the vector's secret and 6 are refused", () => {
  type ExpandedTest = { dk: string; c: string; K: string };
  const groups = readWycheproof<WycheproofGroup<ExpandedTest>>("mlkem_768_semi_expanded_decaps");
  const tests = groups.flatMap((group) => group.tests);
  let refused = 0;
  for (const { tcId, dk, c, K, result } of tests) {
    const run = () => decapsulates(importExpanded(dk), c);
    if (result === "valid") assert.equal(run(), K, `tcId ${tcId}`);
    else {
      assert.throws(run, Error, `tcId ${tcId}`);
      refused++;
    }
  }
  assert.equal(tests.length, 9);
  assert.equal(refused, 6);
});
