/**
 * Our own formats against a second implementation: what Python libraries made from the same inputs must open, verify
 * and read here, byte for byte (vectors/README.md). They pin what is on disks and in inboxes: when one fails, the
 * format has changed, and it must not.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { primitives } from "#primitives";
import { labels, parseIdentityKey } from "quicproquo-proto";
import {
  envelopeBytesMax,
  envelopeOverheadBytes,
  HybridKeyPair,
  Identity,
  openEnvelope,
  readStateFile,
  signHybridKey,
  verifyHybridKey,
  writeStateFile,
} from "quicproquo-core";
import { bytesOf, hexOf, readVectors } from "./vectors.ts";

type EnvelopeVector = {
  recipientSeed: string;
  recipientPublicKey: string;
  ephemeralSeed: string;
  mlKemMessage: string;
  nonce: string;
  x25519Shared: string;
  mlKemShared: string;
  aeadKey: string;
  plaintext: string;
  envelope: string;
};

test("three fixed envelopes of a second implementation open to their payloads", () => {
  const vectors = readVectors<readonly EnvelopeVector[]>("quicproquo_envelope.json");
  assert.equal(vectors.length, 3);
  for (const vector of vectors) {
    const pair = HybridKeyPair.fromSeed(bytesOf(vector.recipientSeed));
    assert.equal(hexOf(pair.publicKey), vector.recipientPublicKey);
    assert.equal(hexOf(openEnvelope(pair, bytesOf(vector.envelope))), vector.plaintext);
  }
});

test("the vectors' intermediate values are those of the primitives, so a failing envelope can be traced", () => {
  for (const vector of readVectors<readonly EnvelopeVector[]>("quicproquo_envelope.json")) {
    const envelope = bytesOf(vector.envelope);
    const [ephemeralKey, kemCiphertext] = [envelope.subarray(1, 33), envelope.subarray(33, 1121)];
    const seed = bytesOf(vector.recipientSeed);
    const agreed = primitives.agreementKey(seed.subarray(0, 32)).agree(ephemeralKey);
    const decapsulated = primitives.kemKey(seed.subarray(32)).decapsulate(kemCiphertext);
    assert.equal(hexOf(primitives.agreementKey(bytesOf(vector.ephemeralSeed)).publicKey), hexOf(ephemeralKey));
    assert.equal(hexOf(agreed ?? new Uint8Array(0)), vector.x25519Shared);
    assert.equal(hexOf(decapsulated), vector.mlKemShared);

    const binding = primitives.sha256(ephemeralKey, kemCiphertext, bytesOf(vector.recipientPublicKey));
    const key = primitives.hkdfSha256({
      inputKey: bytesOf(vector.x25519Shared + vector.mlKemShared),
      salt: new Uint8Array(0),
      info: Buffer.concat([Buffer.from(`${labels.hybridKem}\0`), binding]),
      keyBytes: 32,
    });
    assert.equal(hexOf(key), vector.aeadKey);
    const options = { key, nonce: bytesOf(vector.nonce), aad: envelope.subarray(0, 1121) };
    assert.equal(hexOf(primitives.seal(options, bytesOf(vector.plaintext))), hexOf(envelope.subarray(1133)));
  }
});

/** The vector's envelope with another version or payload, sealed correctly under the vector's key all the same. */
function resealed(vector: EnvelopeVector, change: { version?: number; plaintext?: Uint8Array }): Uint8Array {
  const head = bytesOf(vector.envelope).subarray(0, 1133);
  head[0] = change.version ?? 1;
  const options = { key: bytesOf(vector.aeadKey), nonce: head.subarray(1121), aad: head.subarray(0, 1121) };
  return Buffer.concat([head, primitives.seal(options, change.plaintext ?? bytesOf(vector.plaintext))]);
}

test("an envelope is refused for its version or its size alone, with everything else in order", () => {
  const [vector] = readVectors<readonly EnvelopeVector[]>("quicproquo_envelope.json");
  assert.ok(vector !== undefined);
  const pair = HybridKeyPair.fromSeed(bytesOf(vector.recipientSeed));
  const largest = new Uint8Array(envelopeBytesMax - envelopeOverheadBytes);
  assert.equal(openEnvelope(pair, resealed(vector, { plaintext: largest })).length, largest.length);
  const tooLarge = new Uint8Array(largest.length + 1);
  for (const change of [{ version: 0 }, { version: 2 }, { version: 255 }, { plaintext: tooLarge }]) {
    assert.throws(() => openEnvelope(pair, resealed(vector, change)), { code: "E043_ENVELOPE_REFUSED" });
  }
});

test("a fixed identity signs a fixed hybrid key with the signature of a second implementation", () => {
  type Vector = { identitySeed: string; identityKey: string; hybridPublicKey: string; signature: string };
  const vector = readVectors<Vector>("quicproquo_hybrid_key.json");
  const identity = Identity.fromSeed(bytesOf(vector.identitySeed));
  assert.equal(hexOf(identity.identityKey), vector.identityKey);
  const key = verifyHybridKey({
    identityKey: parseIdentityKey(bytesOf(vector.identityKey)),
    hybridPublicKey: bytesOf(vector.hybridPublicKey),
    signature: bytesOf(vector.signature),
  });
  assert.equal(hexOf(signHybridKey(identity, key)), vector.signature);
});

test("a fixed state file of a second implementation reads, plain and encrypted, and is written the same", async () => {
  type Vector = Record<"identitySeed" | "hybridSeed" | "databaseKey" | "plain" | "password" | "encrypted", string>;
  const vector = readVectors<Vector>("quicproquo_state.json");
  const folder = await mkdtemp(join(tmpdir(), "qpq-vectors-"));
  after(() => rm(folder, { recursive: true }));
  const path = join(folder, "qpq-state.bin");
  for (const [form, options] of [
    ["plain", {}],
    ["encrypted", { password: vector.password }],
  ] as const) {
    await writeFile(path, bytesOf(vector[form]), { mode: 0o600 });
    const state = await readStateFile(path, options);
    assert.ok(state !== undefined);
    assert.equal(hexOf(state.identity.exportSeed()), vector.identitySeed);
    assert.equal(hexOf(state.hybridKeyPair.exportSeed()), vector.hybridSeed);
    assert.equal(hexOf(state.databaseKey.reveal()), vector.databaseKey);
    await writeStateFile(path, state);
    assert.equal(hexOf(await readFile(path)), vector.plain);
  }
});
