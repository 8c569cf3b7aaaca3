/** The messages whose encodings are compared, by the names that figures have: a call's parameters or its results. */
import { createHash } from "node:crypto";
import { Identity, MlsKeyPackage } from "quicproquo-core";
import { type EnqueueParams, type EnvelopeFields, type MethodCodec, methodCodecs, sinkCodecs } from "quicproquo-proto";
import type { TwinName } from "./bench-proto.js";

export type MessageKind = {
  /** Its types are forgotten, so that one loop measures all. */
  readonly codec: MethodCodec<unknown, unknown>;
  readonly side: "params" | "results";
  readonly value: unknown;
  /** In bench.proto. */
  readonly twin: TwinName;
};

export const kindNames = [
  "enqueue",
  "enqueue_answer",
  "batch_enqueue_100",
  "fetch_1",
  "fetch_10",
  "fetch_100",
  "deliver_1",
  "key_package",
] as const;
export type KindName = (typeof kindNames)[number];

/** Of each message. */
export const kindPayloadBytes = 512;
const nowMs = 1_800_000_000_000;

/** Bytes that look random where the real thing's do, so that packing finds what it finds there; the same in every run. */
export async function messageKinds(): Promise<Readonly<Record<KindName, MessageKind>>> {
  const auth = { version: 1, accessToken: noise("token", 32), deviceId: new Uint8Array() };
  const me = Identity.generate();
  const { public: keyPackage } = await MlsKeyPackage.generate(me, { nowMs, lastResort: false });
  const letter = {
    payload: noise("payload", kindPayloadBytes),
    channelId: new Uint8Array(),
    version: 1,
    auth,
    ttlSecs: 0,
    idempotencyKey: noise("id", 16),
  };
  const enqueue: EnqueueParams = { ...letter, recipientKey: noise("recipient", 32) };
  const recipientKeys = Array.from({ length: 100 }, (_, i) => noise(`recipient ${i}`, 32));
  const gap = { kind: "none", upTo: 41_999n, storeEpoch: 1n } as const;
  const fetched = (count: number) => kind("fetch", "results", "FetchResponse", { payloads: envelopes(count), gap });
  return {
    enqueue: kind("enqueue", "params", "EnqueueRequest", enqueue),
    enqueue_answer: kind("enqueue", "results", "EnqueueResponse", { seq: 42_000n }),
    batch_enqueue_100: kind("batchEnqueue", "params", "BatchEnqueueRequest", { ...letter, recipientKeys }),
    fetch_1: fetched(1),
    fetch_10: fetched(10),
    fetch_100: fetched(100),
    deliver_1: {
      codec: sinkCodecs.deliver as unknown as MethodCodec<unknown, unknown>,
      side: "params",
      value: { envelopes: envelopes(1), gap },
      twin: "DeliverRequest",
    },
    key_package: kind("uploadKeyPackage", "params", "UploadKeyPackageRequest", {
      identityKey: me.identityKey,
      package: keyPackage,
      auth,
      lastResort: false,
    }),
  };
}

type Codecs = typeof methodCodecs;
type Side = MessageKind["side"];
type ValueOf<Codec, Of extends Side> = Codec extends {
  readonly decodeParams: (reader: never) => infer Params;
  readonly decodeResults: (reader: never) => infer Results;
}
  ? { readonly params: Params; readonly results: Results }[Of]
  : never;

function kind<Name extends keyof Codecs, Of extends Side>(
  ...[name, side, twin, value]: readonly [Name, Of, TwinName, ValueOf<Codecs[Name], Of>]
): MessageKind {
  return { codec: methodCodecs[name] as unknown as MethodCodec<unknown, unknown>, side, value, twin };
}

function envelopes(count: number): readonly EnvelopeFields[] {
  return Array.from({ length: count }, (_, i) => ({
    seq: 42_000n + BigInt(i),
    data: noise(`payload ${i}`, kindPayloadBytes),
    storeEpoch: 1n,
    enqueuedAtMs: BigInt(nowMs + i),
    expired: false,
  }));
}

function noise(name: string, outputLength: number): Uint8Array {
  return Uint8Array.from(createHash("shake256", { outputLength }).update(name).digest());
}
