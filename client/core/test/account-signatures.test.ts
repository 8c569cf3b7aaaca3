/** Identity proofs and device signatures: the bytes of docs/wire.md, put together here by hand. */
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { Identity, signDevice, signLogin, signRegistration, verifyDevice } from "quicproquo-core";
import { labels, parseUsername } from "quicproquo-proto";

const me = Identity.fromSeed(new Uint8Array(32).fill(1));
const other = Identity.fromSeed(new Uint8Array(32).fill(2));
const username = parseUsername("Ä.Lice");
const serverPublicKey = new Uint8Array(32).fill(3);
const [request, response, finalization, upload] = [96, 320, 64, 192].map((bytes, i) => new Uint8Array(bytes).fill(i));

function isSignedBy(key: Uint8Array, signature: Uint8Array, parts: readonly (string | Uint8Array)[]): boolean {
  const publicKey = createPublicKey({ key, format: "raw-public", asymmetricKeyType: "ed25519" });
  return verify(null, Buffer.concat(parts.map((part) => Buffer.from(part as string))), publicKey, signature);
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

test("a registration signs label, zero, name in its one form, identity, server and the hash of the upload", () => {
  const signature = signRegistration(me, { username, serverPublicKey, upload: upload! });
  const hash = sha256(upload!);
  const parts = [`${labels.register}\0`, "ä.lice", me.identityKey, serverPublicKey, hash];
  assert.ok(isSignedBy(me.identityKey, signature, parts));
  assert.ok(!isSignedBy(me.identityKey, signature, [`${labels.login}\0`, ...parts.slice(1)]));
});

test("a login signs the same under a label of its own, with the hash of its three messages in their order", () => {
  const transcript = { request: request!, response: response!, finalization: finalization! };
  const signature = signLogin(me, { username, serverPublicKey, ...transcript });
  const hash = sha256(request!, response!, finalization!);
  const parts = [`${labels.login}\0`, "ä.lice", me.identityKey, serverPublicKey, hash];
  assert.ok(isSignedBy(me.identityKey, signature, parts));
});

test("a device is the identity's that signed it, and nobody else's; no other signature passes for it", () => {
  const device = other.identityKey;
  const signature = signDevice(me, device);
  const { identityKey } = me;
  assert.ok(isSignedBy(identityKey, signature, [`${labels.device}\0`, identityKey, device]));
  assert.ok(verifyDevice({ identityKey, deviceKey: device, signature }));
  assert.ok(!verifyDevice({ identityKey: device, deviceKey: device, signature }));
  assert.ok(!verifyDevice({ identityKey, deviceKey: identityKey, signature }));
  for (let at = 0; at < signature.length; at++) {
    const altered = Uint8Array.from(signature);
    altered[at]! ^= 1;
    assert.ok(!verifyDevice({ identityKey, deviceKey: device, signature: altered }), `byte ${at}`);
  }
  assert.ok(!verifyDevice({ identityKey, deviceKey: device, signature: new Uint8Array() }));
});
