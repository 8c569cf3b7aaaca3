/** One call of each served method with every field set: what the golden frames hold and the oracles are asked about. */
import type { methodCodecs } from "quicproquo-proto";
import { bytes } from "./bytes.ts";

type Codecs = typeof methodCodecs;
export type MethodName = keyof Codecs;
export type Sample<Name extends MethodName> = {
  readonly params: ReturnType<Codecs[Name]["decodeParams"]>;
  readonly results: ReturnType<Codecs[Name]["decodeResults"]>;
};

const auth = { version: 1, accessToken: bytes(32, 0x20), deviceId: bytes(3, 0xd1) };
const inbox = { recipientKey: bytes(32, 0x40), channelId: bytes(16, 0x60), version: 1, auth };
const cursor = { limit: 50, after: 7n, storeEpoch: 3n };
const letter = { payload: bytes(5, 0x01), ttlSecs: 3_600, idempotencyKey: bytes(16, 0x80) };
const fetched: Sample<"fetch">["results"] = {
  payloads: [
    { seq: 8n, data: bytes(9, 0xa0), storeEpoch: 3n, enqueuedAtMs: 1_700_000_000_000n, expired: false },
    { seq: 9n, data: new Uint8Array(0), storeEpoch: 3n, enqueuedAtMs: 1_700_000_000_001n, expired: true },
  ],
  gap: { kind: "epochReset", upTo: 7n, storeEpoch: 3n },
};

export const samples: { readonly [Name in MethodName]: Sample<Name> } = {
  uploadKeyPackage: {
    params: { identityKey: bytes(32, 0x40), package: bytes(10, 0xb0), auth, lastResort: true },
    results: { fingerprint: bytes(32, 0xc0), remaining: 99 },
  },
  fetchKeyPackage: { params: { identityKey: bytes(32, 0x40), auth }, results: { package: bytes(10, 0xb0) } },
  enqueue: { params: { ...inbox, ...letter }, results: { seq: 0x0102_0304_0506_0708n } },
  fetch: { params: { ...inbox, ...cursor, keep: true }, results: fetched },
  fetchWait: { params: { ...inbox, ...cursor, keep: true, timeoutMs: 30_000n }, results: fetched },
  health: { params: {}, results: { status: "ok" } },
  uploadHybridKey: {
    params: { identityKey: bytes(32, 0x40), hybridPublicKey: bytes(20, 0x50), auth, signature: bytes(24, 0x70) },
    results: {},
  },
  fetchHybridKey: {
    params: { identityKey: bytes(32, 0x40), auth },
    results: { hybridPublicKey: bytes(20, 0x50), signature: bytes(24, 0x70) },
  },
  peek: { params: { ...inbox, ...cursor }, results: fetched },
  ack: { params: { ...inbox, seqUpTo: 9n, storeEpoch: 3n }, results: {} },
  fetchHybridKeys: {
    params: { identityKeys: [bytes(32, 0x40), bytes(32, 0x41)], auth },
    results: {
      hybridPublicKeys: [bytes(20, 0x50), new Uint8Array(0)],
      signatures: [bytes(24, 0x70), new Uint8Array(0)],
    },
  },
  batchEnqueue: {
    params: {
      recipientKeys: [bytes(32, 0x40), bytes(32, 0x41), bytes(32, 0x42)],
      channelId: new Uint8Array(0),
      version: 1,
      auth,
      ...letter,
    },
    results: { seqs: [1n, 0n, (1n << 64n) - 1n] },
  },
  openSession: { params: { auth }, results: { session: { capability: 1 }, expiresAtMs: 1_700_000_000_000n } },
  submitCommit: {
    params: {
      groupId: bytes(16, 0x90),
      epoch: 41n,
      entries: [
        { recipientKey: bytes(32, 0x40), channelId: new Uint8Array(0), ...letter, payload: new Uint8Array(0) },
        { recipientKey: bytes(32, 0x41), channelId: bytes(16, 0x60), ...letter, idempotencyKey: new Uint8Array(0) },
      ],
      payload: bytes(7, 0xe0),
      idempotencyKey: bytes(16, 0x80),
      auth,
      epochProof: bytes(32, 0xf0),
      nextProofHash: bytes(32, 0x10),
    },
    results: { seqs: [5n, 0n] },
  },
};
