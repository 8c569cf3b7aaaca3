/** What the recorded client asks for: parameters that are right, by two numbers. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { hash } from "node:crypto";
import { labels, sizes } from "quicproquo-proto";

export const recordedToken = "the token of the recordings";

const empty = new Uint8Array();
export const trace = { traceHi: 0n, traceLo: 0n, spanId: 0n, flags: 0 };
export const auth = { version: 1, accessToken: Buffer.from(recordedToken), deviceId: empty };
export const wrongAuth = { ...auth, accessToken: Buffer.from("a wrong token") };

/** Identities with known keys: RFC 8410's PKCS #8 wrapping of a seed. */
const signers = Array.from({ length: 4 }, (_, n) => {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), new Uint8Array(32).fill(n + 1)]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { privateKey, identityKey: new Uint8Array(spki.subarray(-sizes.identityKey)) };
});

function signer(a: number): (typeof signers)[number] {
  return signers[a % signers.length] as (typeof signers)[number];
}

export function identity(a: number): Uint8Array {
  return signer(a).identityKey;
}

/** 16 equal bytes, or none. */
export function id16(b: number, isEmpty = false): Uint8Array {
  return isEmpty ? empty : new Uint8Array(16).fill(b);
}

/** One in four has a channel. */
export function inbox(a: number) {
  return { recipientKey: identity(a), channelId: id16(a, a % 4 !== 3), version: 1, auth };
}

/** Every other one has an idempotency key. */
export function letter(b: number) {
  return { payload: new Uint8Array(1 + b * 17).fill(b), ttlSecs: b * 60, idempotencyKey: id16(b, b % 2 === 0) };
}

export function cursor(b: number) {
  return { limit: b % 3, after: BigInt(b % 4), storeEpoch: 0n };
}

export function outgoing(a: number, b: number) {
  return { recipientKey: identity(a), channelId: empty, ...letter(b) };
}

const hybridPublicKey = new Uint8Array(sizes.hybridPublicKey).fill(7);
const signatures = new Map<number, Uint8Array>();

export function hybridKey(a: number) {
  let signature = signatures.get(a % signers.length);
  if (signature === undefined) {
    const signed = Buffer.concat([Buffer.from(`${labels.hybridKey}\0`), identity(a), hybridPublicKey]);
    signature = new Uint8Array(sign(null, signed, signer(a).privateKey));
    signatures.set(a % signers.length, signature);
  }
  return { hybridPublicKey, signature };
}

/** The b-th commit of a group, as a member sends it. */
export function commit(a: number, b: number) {
  const proof = (epoch: number): Uint8Array => new Uint8Array(32).fill(epoch);
  return {
    groupId: id16(a),
    epoch: BigInt(b),
    entries: [outgoing(a, 0), { ...outgoing(a + 1, 0), payload: empty }].map((entry) => ({
      ...entry,
      idempotencyKey: empty,
    })),
    payload: new Uint8Array(40).fill(b),
    idempotencyKey: id16(b + 1),
    auth,
    epochProof: proof(b),
    nextProofHash: new Uint8Array(hash("sha256", proof(b + 1), "buffer")),
  };
}
