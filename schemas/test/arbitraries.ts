/** Any value of the parameters and results of every codec there is. */
import fc, { type Arbitrary } from "fast-check";
import { inboxCodecs, methodCodecs, sessionCodecs, sinkCodecs } from "quicproquo-proto";
import { type Half, halvesOf } from "./frames.ts";

/** Plain objects, as decoders make them: fast-check also tries some without a prototype. */
function record(fields: Readonly<Record<string, Arbitrary<unknown>>>): Arbitrary<unknown> {
  return fc.record(fields, { noNullPrototype: true });
}

const data = fc.uint8Array({ maxLength: 70 });
const text = fc.string({ unit: "binary", maxLength: 40 });
const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const bool = fc.boolean();
const capability = fc.constantFrom(undefined, { capability: 1 }, { capability: 2 });

const auth = record({ version: u16, accessToken: data, deviceId: data });
const trace = record({ traceHi: u64, traceLo: u64, spanId: u64, flags: u8 });
const kind = fc.constantFrom("none", "expired", "overflow", "epochReset");
const gap = record({ kind, upTo: u64, storeEpoch: u64 });
const envelope = record({ seq: u64, data, storeEpoch: u64, enqueuedAtMs: u64, expired: bool });
const envelopes = fc.array(envelope, { maxLength: 4 });
const outgoing = record({ recipientKey: data, channelId: data, payload: data, idempotencyKey: data, ttlSecs: u32 });
const entries = fc.array(outgoing, { maxLength: 4 });
const device = { deviceId: data, deviceName: text, registeredAtMs: u64, deviceKey: data, signature: data };
const datas = fc.array(data, { maxLength: 5 });
const seqs = fc.array(u64, { maxLength: 5 });

const inbox = { recipientKey: data, channelId: data, version: u16, auth };
const cursor = { limit: u32, after: u64, storeEpoch: u64 };
const letter = { payload: data, ttlSecs: u32, idempotencyKey: data };
const identity = { identityKey: data, auth };
const success = { success: bool };
const fetched = { payloads: envelopes, gap };

type Fields = Readonly<Record<string, Arbitrary<unknown>>>;
type Table<Codecs> = { readonly [Name in keyof Codecs]: readonly [params: Fields, results: Fields] };

const ofNodeService: Table<typeof methodCodecs> = {
  uploadKeyPackage: [
    { ...identity, package: data, lastResort: bool },
    { fingerprint: data, remaining: u32 },
  ],
  fetchKeyPackage: [identity, { package: data }],
  enqueue: [{ ...inbox, ...letter }, { seq: u64 }],
  fetch: [{ ...inbox, ...cursor, keep: bool }, fetched],
  fetchWait: [{ ...inbox, ...cursor, keep: bool, timeoutMs: u64 }, fetched],
  health: [{}, { status: text }],
  uploadHybridKey: [{ ...identity, hybridPublicKey: data, signature: data }, {}],
  fetchHybridKey: [identity, { hybridPublicKey: data, signature: data }],
  peek: [{ ...inbox, ...cursor }, fetched],
  ack: [{ ...inbox, seqUpTo: u64, storeEpoch: u64 }, {}],
  fetchHybridKeys: [
    { identityKeys: datas, auth },
    { hybridPublicKeys: datas, signatures: datas },
  ],
  batchEnqueue: [{ recipientKeys: datas, channelId: data, version: u16, auth, ...letter }, { seqs }],
  openSession: [{ auth }, { session: capability, expiresAtMs: u64 }],
  submitCommit: [
    {
      groupId: data,
      epoch: u64,
      entries,
      payload: data,
      idempotencyKey: data,
      auth,
      epochProof: data,
      nextProofHash: data,
    },
    { seqs },
  ],
  opaqueRegisterStart: [{ username: text, request: data }, { response: data }],
  opaqueRegisterFinish: [{ username: text, upload: data, identityKey: data, identityProof: data }, success],
  opaqueLoginStart: [
    { username: text, request: data },
    { response: data, loginId: data, stretching: u16 },
  ],
  opaqueLoginFinish: [
    { username: text, finalization: data, identityKey: data, loginId: data, identityProof: data },
    { sessionToken: data },
  ],
  publishEndpoint: [{ ...identity, endpoint: data }, { observedAddress: text }],
  resolveEndpoint: [identity, { endpoint: data }],
  createChannel: [
    { peerKey: data, auth },
    { channelId: data, wasNew: bool },
  ],
  resolveUser: [{ username: text, auth }, { identityKey: data }],
  resolveIdentity: [identity, { username: text }],
  uploadBlob: [{ auth, blobHash: data, chunk: data, offset: u64, totalSize: u64, mimeType: text }, { blobId: data }],
  downloadBlob: [
    { auth, blobId: data, offset: u64, length: u32 },
    { chunk: data, totalSize: u64, mimeType: text },
  ],
  deleteAccount: [{ auth }, success],
  registerDevice: [{ auth, deviceKey: data, deviceName: text, signature: data }, { deviceId: data }],
  listDevices: [identity, { devices: fc.array(record(device), { maxLength: 3 }) }],
  revokeDevice: [{ auth, deviceId: data }, success],
  publishDeliveryToken: [{ ...identity, tokenHash: data }, {}],
  setBlocked: [{ senderKey: data, blocked: bool, auth }, {}],
  renewToken: [{ auth }, { sessionToken: data, expiresAtMs: u64 }],
  revokeTokens: [{ all: bool, auth }, {}],
};

const session: Table<typeof sessionCodecs> = {
  inbox: [{ recipientKey: data, channelId: data, trace }, { inbox: capability }],
  send: [{ entries, trace }, { seqs }],
};
const ofInbox: Table<typeof inboxCodecs> = {
  subscribe: [
    { sink: capability, after: u64, storeEpoch: u64, window: u32, windowBytes: u32, trace },
    { subscription: capability },
  ],
  ack: [{ seqUpTo: u64, storeEpoch: u64, trace }, {}],
};
const sink: Table<typeof sinkCodecs> = {
  deliver: [{ envelopes, gap }, {}],
  end: [{ reason: text, retryAfterMs: u32 }, {}],
};

/** Every half of every codec with any of its values. */
export const everyHalf: readonly { readonly half: Half; readonly value: Arbitrary<unknown> }[] = [
  ...rowsOf("NodeService", methodCodecs, ofNodeService),
  ...rowsOf("Session", sessionCodecs, session),
  ...rowsOf("Inbox", inboxCodecs, ofInbox),
  ...rowsOf("Sink", sinkCodecs, sink),
];

function rowsOf<Codecs extends object>(owner: string, codecs: Codecs, table: Table<Codecs>) {
  return Object.entries(codecs).flatMap(([name, codec]) => {
    const [params, results] = table[name as keyof Codecs];
    const halves = halvesOf(`${owner}.${name}`, codec);
    return [
      { half: halves.params, value: record(params) },
      { half: halves.results, value: record(results) },
    ];
  });
}
