/** A direct message is readable by its recipient alone, and says truly who sent it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { QpqError } from "quicproquo-proto";
import { openDirectMessage, sealDirectMessage } from "../src/direct-message.ts";
import { openEnvelope, sealEnvelope } from "../src/hybrid-envelope.ts";
import { HybridKeyPair } from "../src/hybrid-key.ts";
import { Identity } from "../src/identity.ts";

function person() {
  const identity = Identity.generate();
  const keyPair = HybridKeyPair.generate();
  return { identity, keyPair, address: { identityKey: identity.identityKey, hybridPublicKey: keyPair.publicKey } };
}

const refused = (error: unknown): boolean => error instanceof QpqError && error.code === "E043_ENVELOPE_REFUSED";

test("any text arrives as it was sent, with the sender's key", () => {
  const [alice, bob] = [person(), person()];
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 2_000 }), (text) => {
      const opened = openDirectMessage(bob.identity, bob.keyPair, sealDirectMessage(alice.identity, bob.address, text));
      assert.equal(opened.text, text);
      assert.deepEqual(opened.sender, alice.identity.identityKey);
    }),
    { numRuns: 50 },
  );
});

test("a recipient cannot pass a message on as if it had been for another", () => {
  const [alice, bob, carol] = [person(), person(), person()];
  const plaintext = openEnvelope(bob.keyPair, sealDirectMessage(alice.identity, bob.address, "for Bob only"));
  const passedOn = sealEnvelope(carol.address.hybridPublicKey, plaintext);
  assert.throws(() => openDirectMessage(carol.identity, carol.keyPair, passedOn), refused);
});

test("a message under another's name is refused", () => {
  const [alice, bob, mallory] = [person(), person(), person()];
  const plaintext = openEnvelope(bob.keyPair, sealDirectMessage(mallory.identity, bob.address, "I am Alice"));
  plaintext.set(alice.identity.identityKey, 1);
  assert.throws(
    () => openDirectMessage(bob.identity, bob.keyPair, sealEnvelope(bob.address.hybridPublicKey, plaintext)),
    refused,
  );
});

test("too short, of another version, or not UTF-8: refused", () => {
  const [alice, bob] = [person(), person()];
  const good = openEnvelope(bob.keyPair, sealDirectMessage(alice.identity, bob.address, ""));
  for (const plaintext of [
    new Uint8Array(),
    good.subarray(0, good.length - 1),
    Uint8Array.from(good, (byte, i) => (i === 0 ? 2 : byte)),
  ]) {
    assert.throws(
      () => openDirectMessage(bob.identity, bob.keyPair, sealEnvelope(bob.address.hybridPublicKey, plaintext)),
      refused,
    );
  }
});
