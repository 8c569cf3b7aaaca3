import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { QpqError } from "quicproquo-proto";
import {
  envelopeBytesMax,
  envelopeOverheadBytes,
  HybridKeyPair,
  type HybridPublicKey,
  openEnvelope,
  sealEnvelope,
} from "quicproquo-core";
import { lowOrderPoints } from "./low-order-points.ts";

const recipient = HybridKeyPair.generate();
const payload = new TextEncoder().encode("a Welcome, say");

/** Code, message and everything else that an error can carry: a refusal must not tell which check refused. */
function assertRefused(bytes: Uint8Array, keyPair: HybridKeyPair, what: string): void {
  assert.throws(
    () => openEnvelope(keyPair, bytes),
    (error) => {
      assert.ok(error instanceof QpqError, what);
      assert.equal(error.message, "E043_ENVELOPE_REFUSED the hybrid envelope cannot be opened", what);
      assert.equal(error.cause, undefined, what);
      assert.deepEqual(error.fields, {}, what);
      return true;
    },
    what,
  );
}

test("an envelope is version 1, 1133 bytes of header, and 1149 bytes longer than its payload", () => {
  assert.equal(envelopeOverheadBytes, 1149);
  const envelope = sealEnvelope(recipient.publicKey, new Uint8Array(0));
  assert.equal(envelope.length, 1149);
  assert.equal(envelope[0], 1);
  assert.deepEqual(openEnvelope(recipient, envelope), new Uint8Array(0));
});

test("what was sealed opens to the same bytes, at any size from 0 to 100 KB", () => {
  const bytes = fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.uint8Array({ minLength: 1, maxLength: 64 }));
  fc.assert(
    fc.property(bytes, ([size, pattern]) => {
      const plaintext = new Uint8Array(size).map((_, at) => (pattern[at % pattern.length] as number) ^ at);
      assert.deepEqual(openEnvelope(recipient, sealEnvelope(recipient.publicKey, plaintext)), plaintext);
    }),
  );
});

test("the same payload sealed twice shares no field but the version", () => {
  const one = sealEnvelope(recipient.publicKey, payload);
  const two = sealEnvelope(recipient.publicKey, payload);
  for (const [from, to] of [
    [1, 33],
    [33, 1121],
    [1121, 1133],
    [1133, one.length],
  ] as const) {
    assert.notDeepEqual(one.subarray(from, to), two.subarray(from, to), `${from}..${to}`);
  }
});

test("an envelope with any one byte altered, in any of three ways, is refused like every other", () => {
  const envelope = sealEnvelope(recipient.publicKey, payload);
  assert.ok(envelope.length > 1149);
  for (let at = 0; at < envelope.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const altered = Uint8Array.from(envelope);
      altered[at] = (altered[at] as number) ^ mask;
      assertRefused(altered, recipient, `byte ${at} ^ ${mask}`);
    }
  }
});

test("an envelope cut at any length, or with one byte more, is refused", () => {
  const envelope = sealEnvelope(recipient.publicKey, payload);
  for (let length = 0; length < envelope.length; length++) {
    assertRefused(envelope.subarray(0, length), recipient, `length ${length}`);
  }
  assertRefused(Uint8Array.of(...envelope, 0), recipient, "one byte more");
});

test("every version but 1 is refused", () => {
  const envelope = sealEnvelope(recipient.publicKey, payload);
  for (let version = 0; version < 256; version++) {
    if (version === 1) continue;
    envelope[0] = version;
    assertRefused(envelope, recipient, `version ${version}`);
  }
});

test("an envelope for somebody else is refused, also when the two share one half of the key", () => {
  const envelope = sealEnvelope(recipient.publicKey, payload);
  const seed = recipient.exportSeed();
  const other = HybridKeyPair.generate().exportSeed();
  const sameAgreement = Uint8Array.of(...seed.subarray(0, 32), ...other.subarray(32));
  const sameKem = Uint8Array.of(...other.subarray(0, 32), ...seed.subarray(32));
  for (const [name, foreign] of Object.entries({ other, sameAgreement, sameKem })) {
    assertRefused(envelope, HybridKeyPair.fromSeed(foreign), name);
  }
});

for (const { name, bytes } of lowOrderPoints) {
  test(`an envelope whose ephemeral key is the low-order point ${name} is refused`, () => {
    const envelope = sealEnvelope(recipient.publicKey, payload);
    envelope.set(bytes, 1);
    assertRefused(envelope, recipient, name);
  });
}

test("nothing is sealed for a key that skipped its parsing and is not valid", () => {
  const zeroPoint = Uint8Array.from(recipient.publicKey).fill(0, 0, 32) as HybridPublicKey;
  const badKem = Uint8Array.from(recipient.publicKey).fill(0xff, 32) as HybridPublicKey;
  for (const key of [zeroPoint, badKem]) {
    assert.throws(() => sealEnvelope(key, payload), { code: "E015_HYBRID_KEY" });
  }
});

test("an envelope is at most 7 MiB: a larger one is neither sealed nor opened", () => {
  const largest = new Uint8Array(envelopeBytesMax - envelopeOverheadBytes);
  const envelope = sealEnvelope(recipient.publicKey, largest);
  assert.equal(envelope.length, envelopeBytesMax);
  assert.equal(openEnvelope(recipient, envelope).length, largest.length);
  const tooLarge = new Uint8Array(largest.length + 1);
  assert.throws(() => sealEnvelope(recipient.publicKey, tooLarge), { code: "E008_PAYLOAD_TOO_LARGE" });
  const padded = new Uint8Array(envelopeBytesMax + 1);
  padded.set(envelope);
  assertRefused(padded, recipient, "7 MiB and a byte");
});

test("whatever bytes a peer sends, opening them gives the one refusal", () => {
  const body = fc.uint8Array({ minLength: 0, maxLength: 1400, size: "max" });
  fc.assert(
    fc.property(body, fc.boolean(), (bytes, versioned) => {
      if (versioned && bytes.length > 0) bytes[0] = 1;
      assertRefused(bytes, recipient, `${bytes.length} bytes`);
    }),
  );
});
