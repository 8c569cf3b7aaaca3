/**
 * The method table: one row a method of NodeService, in the order of ordinals. A row says who may call and what is done;
 * decoding, the version, the token, errors and observation are call.ts's, the same for all.
 */
import {
  type EnvelopeFields,
  type GapFields,
  methodCodecs,
  parseChannelId,
  parseIdempotencyKey,
  parseIdentityKey,
  QpqError,
} from "quicproquo-proto";
import type { Caller } from "../access/static-token.ts";
import type { CommitOrder } from "../delivery/commit-order.ts";
import type { Delivery, FetchQuery } from "../delivery/delivery.ts";
import type { Fetched, LeaseBook } from "../delivery/lease-book.ts";
import type { Letter } from "../delivery/letters.ts";
import type { Keys } from "../keys/keys.ts";
import type { ReadAnswer } from "../store/port.ts";

/** What a handler works with, besides its parameters. */
export type CallContext = {
  readonly caller: Caller;
  readonly domains: { readonly delivery: Delivery; readonly commits: CommitOrder; readonly keys: Keys };
  /** Of the RPC session that the call came on. */
  readonly leases: LeaseBook;
  /** Aborted when the caller cancels or goes. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Tells once whether the caller has the answer; never both. */
  readonly onTaken: (fetched: Pick<Fetched, "taken" | "dropped">) => void;
};

type Codecs = typeof methodCodecs;
export type MethodName = keyof Codecs;
type ParamsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeParams"]>;
type ResultsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeResults"]>;

export type MethodRow<Name extends MethodName> = {
  /** none = anybody may call; token = a valid access token in the auth parameter. */
  readonly auth: "none" | "token";
  readonly handle: (params: ParamsOf<Name>, context: CallContext) => ResultsOf<Name> | Promise<ResultsOf<Name>>;
};

export const methods: { readonly [Name in MethodName]: MethodRow<Name> } = {
  uploadKeyPackage: {
    auth: "token",
    handle: (params, { domains }) =>
      domains.keys.uploadKeyPackage(parseIdentityKey(params.identityKey), copy(params.package), params.lastResort),
  },
  fetchKeyPackage: {
    auth: "token",
    handle: async (params, { domains }) => ({
      package: await domains.keys.fetchKeyPackage(parseIdentityKey(params.identityKey)),
    }),
  },
  enqueue: {
    auth: "token",
    handle: async (params, { caller, domains }) => ({
      seq: await domains.delivery.enqueue(parseIdentityKey(params.recipientKey), letterOf(params, caller)),
    }),
  },
  fetch: {
    auth: "token",
    handle: async (params, context) => {
      const query = queryOf(params);
      const { delivery } = context.domains;
      if (params.keep) return answerOf(await delivery.fetchKeeping(query));
      return fetchedAnswer(await delivery.fetch(query, context.leases), context);
    },
  },
  fetchWait: {
    auth: "token",
    handle: async (params, context) => {
      const query = { ...queryOf(params), timeoutMs: Number(params.timeoutMs), signal: context.signal };
      const { delivery } = context.domains;
      if (params.keep) return answerOf(await delivery.wait(query, () => delivery.fetchKeeping(query)));
      return fetchedAnswer(await delivery.wait(query, () => delivery.fetch(query, context.leases)), context);
    },
  },
  health: { auth: "none", handle: () => ({ status: "ok" }) },
  uploadHybridKey: {
    auth: "token",
    handle: async (params, { domains }) => {
      const key = { hybridPublicKey: copy(params.hybridPublicKey), signature: copy(params.signature) };
      await domains.keys.uploadHybridKey(parseIdentityKey(params.identityKey), key);
      return {};
    },
  },
  fetchHybridKey: {
    auth: "token",
    handle: async (params, { domains }) => {
      const [key] = await domains.keys.fetchHybridKeys([parseIdentityKey(params.identityKey)]);
      return key ?? noHybridKey;
    },
  },
  peek: {
    auth: "token",
    handle: async (params, { domains }) => answerOf(await domains.delivery.peek(queryOf(params))),
  },
  ack: {
    auth: "token",
    handle: async (params, { domains }) => {
      const recipientKey = parseIdentityKey(params.recipientKey);
      await domains.delivery.ack(
        { recipientKey, channelId: parseChannelId(params.channelId) },
        params.seqUpTo,
        params.storeEpoch,
      );
      return {};
    },
  },
  fetchHybridKeys: {
    auth: "token",
    handle: async (params, { domains }) => {
      const keys = await domains.keys.fetchHybridKeys(params.identityKeys.map(parseIdentityKey));
      return {
        hybridPublicKeys: keys.map((key) => (key ?? noHybridKey).hybridPublicKey),
        signatures: keys.map((key) => (key ?? noHybridKey).signature),
      };
    },
  },
  batchEnqueue: {
    auth: "token",
    handle: async (params, { caller, domains }) => ({
      seqs: await domains.delivery.batchEnqueue(params.recipientKeys.map(parseIdentityKey), letterOf(params, caller)),
    }),
  },
  submitCommit: {
    auth: "token",
    handle: async (params, { caller, domains }) => {
      const idempotencyKey = parseIdempotencyKey(params.idempotencyKey);
      if (idempotencyKey === undefined) throw new QpqError("E011_IDEMPOTENCY_KEY", { fields: { bytes: 0 } });
      const entries = params.entries.map((entry) => ({
        recipientKey: parseIdentityKey(entry.recipientKey),
        letter: letterOf({ ...entry, idempotencyKey: new Uint8Array() }, caller),
      }));
      return { seqs: await domains.commits.submit({ ...params, idempotencyKey, entries, sender: caller.sender }) };
    },
  },
};

const noHybridKey = { hybridPublicKey: new Uint8Array(), signature: new Uint8Array() };

type LetterFields = Pick<ParamsOf<"enqueue">, "channelId" | "payload" | "ttlSecs" | "idempotencyKey">;

function letterOf(params: LetterFields, caller: Caller): Letter {
  return {
    sender: caller.sender,
    channelId: parseChannelId(params.channelId),
    payload: params.payload,
    ttlSecs: params.ttlSecs,
    idempotencyKey: parseIdempotencyKey(params.idempotencyKey),
  };
}

type QueryFields = Pick<ParamsOf<"peek">, "recipientKey" | "channelId" | "limit" | "after" | "storeEpoch">;

function queryOf(params: QueryFields): FetchQuery {
  return {
    recipientKey: parseIdentityKey(params.recipientKey),
    channelId: parseChannelId(params.channelId),
    limit: params.limit,
    after: params.after,
    storeEpoch: params.storeEpoch,
  };
}

function fetchedAnswer(fetched: Fetched, context: CallContext): ResultsOf<"fetch"> {
  context.onTaken(fetched);
  return answerOf(fetched);
}

function answerOf({ messages, gap, storeEpoch }: ReadAnswer): { payloads: EnvelopeFields[]; gap: GapFields } {
  return {
    payloads: messages.map(({ seq, payload, enqueuedAtMs, expired }) => ({
      seq,
      data: payload,
      storeEpoch,
      enqueuedAtMs: BigInt(enqueuedAtMs),
      expired,
    })),
    gap: { ...gap, storeEpoch },
  };
}

/** Decoded bytes are views into the request's frame: what is kept longer than the call must not hold the whole frame. */
function copy(view: Uint8Array): Uint8Array {
  return Uint8Array.from(view);
}

/** E019 for an ordinal that no row has. */
export function methodNameOf(ordinal: number): MethodName {
  const name = names.get(ordinal);
  if (name === undefined) throw new QpqError("E019_UNKNOWN_METHOD", { fields: { method: ordinal } });
  return name;
}

const names = new Map<number, MethodName>(
  Object.entries(methodCodecs).map(([name, codec]) => [codec.method.ordinal, name as MethodName]),
);
