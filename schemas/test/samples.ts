/** One call of each method with every field set: what the golden frames hold and the oracles are asked about. */
import type { inboxCodecs, methodCodecs, sessionCodecs, sinkCodecs } from "quicproquo-proto";
import { bytes } from "./bytes.ts";

/** Served or not yet: a method that moves from one to the other keeps its frame. */
type Codecs = typeof methodCodecs;
type Sample<Name extends keyof Codecs> = SampleOf<Codecs[Name]>;
type SampleOf<Codec> = Codec extends {
  readonly decodeParams: (reader: never) => infer Params;
  readonly decodeResults: (reader: never) => infer Results;
}
  ? { readonly params: Params; readonly results: Results }
  : never;
type SamplesOf<Table> = { readonly [Name in keyof Table]: SampleOf<Table[Name]> };

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

const identity = { identityKey: bytes(32, 0x40), auth };
const user = { username: "grüße" };
const success = { success: true };
const mime = { mimeType: "application/octet-stream" };
const endOfLife = 1_700_000_000_000n;

export const samples: SamplesOf<Codecs> = {
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
  opaqueRegisterStart: { params: { ...user, request: bytes(6, 0x31) }, results: { response: bytes(7, 0x32) } },
  opaqueRegisterFinish: {
    params: { ...user, upload: bytes(6, 0x33), identityKey: bytes(32, 0x40), identityProof: bytes(64, 0x34) },
    results: success,
  },
  opaqueLoginStart: {
    params: { ...user, request: bytes(6, 0x31) },
    results: { response: bytes(7, 0x32), loginId: bytes(5, 0x35), stretching: 0x0201 },
  },
  opaqueLoginFinish: {
    params: {
      ...user,
      finalization: bytes(6, 0x36),
      identityKey: bytes(32, 0x40),
      loginId: bytes(5, 0x35),
      identityProof: bytes(64, 0x34),
    },
    results: { sessionToken: bytes(32, 0x20) },
  },
  publishEndpoint: {
    params: { ...identity, endpoint: bytes(9, 0x37) },
    results: { observedAddress: "192.0.2.1:7000" },
  },
  resolveEndpoint: { params: identity, results: { endpoint: bytes(9, 0x37) } },
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
  createChannel: {
    params: { peerKey: bytes(32, 0x40), auth },
    results: { channelId: bytes(16, 0x60), wasNew: true },
  },
  resolveUser: { params: { ...user, auth }, results: { identityKey: bytes(32, 0x40) } },
  resolveIdentity: { params: identity, results: user },
  uploadBlob: {
    params: { auth, blobHash: bytes(32, 0x38), chunk: bytes(11, 0x39), offset: 262_144n, totalSize: 262_155n, ...mime },
    results: { blobId: bytes(32, 0x38) },
  },
  downloadBlob: {
    params: { auth, blobId: bytes(32, 0x38), offset: 262_144n, length: 11 },
    results: { chunk: bytes(11, 0x39), totalSize: 262_155n, ...mime },
  },
  deleteAccount: { params: { auth }, results: success },
  registerDevice: {
    params: { auth, deviceKey: bytes(32, 0x41), deviceName: "phone", signature: bytes(64, 0x70) },
    results: { deviceId: bytes(3, 0xd1) },
  },
  listDevices: {
    params: identity,
    results: {
      devices: [
        {
          deviceId: bytes(3, 0xd1),
          deviceName: "phone",
          registeredAtMs: endOfLife,
          deviceKey: bytes(32, 0x41),
          signature: bytes(64, 0x70),
        },
      ],
    },
  },
  revokeDevice: { params: { auth, deviceId: bytes(3, 0xd1) }, results: success },
  openSession: { params: { auth }, results: { session: { capability: 1 }, expiresAtMs: endOfLife } },
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
  publishDeliveryToken: { params: { ...identity, tokenHash: bytes(32, 0x3a) }, results: {} },
  setBlocked: { params: { senderKey: bytes(32, 0x42), blocked: true, auth }, results: {} },
  renewToken: { params: { auth }, results: { sessionToken: bytes(32, 0x21), expiresAtMs: endOfLife } },
  revokeTokens: { params: { all: true, auth }, results: {} },
};

const trace = { traceHi: 0x0102_0304_0506_0708n, traceLo: 0x1112_1314_1516_1718n, spanId: 9n, flags: 1 };
const outgoing = { recipientKey: bytes(32, 0x40), channelId: bytes(16, 0x60), ...letter };

export const sessionSamples: SamplesOf<typeof sessionCodecs> = {
  inbox: {
    params: { recipientKey: bytes(32, 0x40), channelId: bytes(16, 0x60), trace },
    results: { inbox: { capability: 1 } },
  },
  send: {
    params: { entries: [outgoing, { ...outgoing, payload: bytes(2, 0x02) }], trace },
    results: { seqs: [8n, 0n] },
  },
};

export const inboxSamples: SamplesOf<typeof inboxCodecs> = {
  subscribe: {
    params: { sink: { capability: 1 }, after: 7n, storeEpoch: 3n, window: 50, windowBytes: 1 << 20, trace },
    results: { subscription: { capability: 1 } },
  },
  ack: { params: { seqUpTo: 9n, storeEpoch: 3n, trace }, results: {} },
};

export const sinkSamples: SamplesOf<typeof sinkCodecs> = {
  deliver: { params: { envelopes: fetched.payloads, gap: fetched.gap }, results: {} },
  end: { params: { reason: "E033_SHUTTING_DOWN the server is shutting down", retryAfterMs: 1_000 }, results: {} },
};
