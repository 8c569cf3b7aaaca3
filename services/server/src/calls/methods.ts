/**
 * The method table: one row a method of NodeService, in the order of ordinals. A row says who may call and what is done;
 * decoding, the version, the token, errors and observation are the same for all (node-service.ts).
 */
import {
  type IdentityKey,
  type InboxKey,
  type methodCodecs,
  parseIdempotencyKey,
  parseIdentityKey,
  QpqError,
} from "quicproquo-proto";
import type { AbortListener, CapabilityServer } from "quicproquo-rpc";
import type { Caller } from "../access/access.ts";
import type { Channels } from "../access/channels.ts";
import type { BlockLists } from "../access/block-lists.ts";
import type { DeliveryTokens } from "../access/delivery-tokens.ts";
import type { AccessRule } from "../access/rules.ts";
import { actingOf, type SessionTokens } from "../access/session-tokens.ts";
import type { AccountDeletion } from "../accounts/account-deletion.ts";
import type { Devices } from "../accounts/devices.ts";
import { addressText, type Directory } from "../accounts/directory.ts";
import type { Blobs } from "../blobs/blobs.ts";
import type { CommitOrder } from "../delivery/commit-order.ts";
import type { Delivery, FetchQuery } from "../delivery/delivery.ts";
import type { Fetched, LeaseBook } from "../delivery/lease-book.ts";
import type { Sender } from "../delivery/sender.ts";
import type { Subscriptions } from "../delivery/subscriptions.ts";
import type { Keys } from "../keys/keys.ts";
import type { StoredMessage } from "../store/port.ts";
import { inboxOf, letterOf } from "./answers.ts";
import type { AccountCalls } from "./audited.ts";
import { fetchAnswer } from "./fetch-answers.ts";
import type { LaterResults } from "./interface-server.ts";
import type { Peer } from "./origin.ts";
import { WaitingFetch } from "./waiting-fetch.ts";

export type Domains = {
  readonly delivery: Delivery;
  readonly subscriptions: Subscriptions;
  readonly commits: CommitOrder;
  readonly keys: Keys;
  readonly tokens: SessionTokens;
  readonly blocks: BlockLists;
  readonly deliveryTokens: DeliveryTokens;
  readonly blobs: Blobs;
  readonly accounts: AccountCalls;
  readonly channels: Channels;
  readonly devices: Devices;
  readonly directory: Directory;
  readonly deletion: AccountDeletion;
};

/** What a handler works with, besides its parameters. */
export interface CallContext {
  /** Of a row that anybody may call there is none: it throws. */
  readonly caller: Caller;
  readonly domains: Domains;
  /** Of the RPC session that the call came on. */
  readonly leases: LeaseBook;
  /** The caller, as one who sends. */
  readonly sender: Sender;
  /** Where it comes from, as the server sees it now. */
  readonly peer: Peer;
  /** The caller has canceled the call, or gone. */
  readonly isGone: boolean;
  /** Called when that happens; only one. */
  onGone(listener: AbortListener): void;
  /** Calls onEnd once, within 5 s of the end of the caller's token; returns what stops it. */
  watchToken(onEnd: () => void): () => void;
  /** Tells once whether the caller has the answer; never both. */
  onTaken(fetched: Pick<Fetched, "taken" | "dropped">): void;
  /** Tells of messages that an answer carries. */
  onDelivered(inbox: InboxKey, messages: readonly StoredMessage[]): void;
  /** A Session that acts for this caller. */
  openSession(): CapabilityServer;
}

type Codecs = typeof methodCodecs;
export type MethodName = keyof Codecs;
type ParamsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeParams"]>;
type ResultsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeResults"]>;

export type MethodRow<Name extends MethodName> = {
  /** Who may call. */
  readonly access: AccessRule<ParamsOf<Name>>;
  /**
   * Of a call whose effect lasts beyond any token: the store is asked for the token, for one that was revoked at another
   * front-end is believed here for 5 s.
   */
  readonly confirmed?: true;
  readonly handle: (
    params: ParamsOf<Name>,
    context: CallContext,
  ) => ResultsOf<Name> | Promise<ResultsOf<Name>> | LaterResults<ResultsOf<Name>>;
};

export const methods: { readonly [Name in MethodName]: MethodRow<Name> } = {
  uploadKeyPackage: {
    access: { own: "identityKey" },
    handle: (params, { domains }) =>
      domains.keys.uploadKeyPackage(parseIdentityKey(params.identityKey), copy(params.package), params.lastResort),
  },
  fetchKeyPackage: {
    access: "caller",
    handle: async (params, { caller, domains }) => ({
      package: await domains.keys.fetchKeyPackage(parseIdentityKey(params.identityKey), caller.account),
    }),
  },
  enqueue: {
    access: "sender",
    handle: async (params, { sender, domains }) => ({
      seq: await domains.delivery.enqueue(parseIdentityKey(params.recipientKey), letterOf(params, sender)),
    }),
  },
  fetch: {
    access: { own: "recipientKey" },
    handle: async (params, context) => {
      const query = queryOf(params);
      const { delivery } = context.domains;
      if (params.keep) return fetchAnswer(await delivery.fetchKeeping(query), query.inbox, context);
      return fetchAnswer(await delivery.fetch(query, context), query.inbox, context);
    },
  },
  fetchWait: {
    access: { own: "recipientKey" },
    handle: (params, context) =>
      new WaitingFetch(queryOf(params), { timeoutMs: Number(params.timeoutMs), keep: params.keep, context }),
  },
  health: { access: "anybody", handle: () => ({ status: "ok" }) },
  uploadHybridKey: {
    access: { own: "identityKey" },
    confirmed: true,
    handle: async (params, { domains }) => {
      const key = { hybridPublicKey: copy(params.hybridPublicKey), signature: copy(params.signature) };
      await domains.keys.uploadHybridKey(parseIdentityKey(params.identityKey), key);
      return {};
    },
  },
  fetchHybridKey: {
    access: "caller",
    handle: async (params, { domains }) => {
      const [key] = await domains.keys.fetchHybridKeys([parseIdentityKey(params.identityKey)]);
      return key ?? noHybridKey;
    },
  },
  opaqueRegisterStart: {
    access: "anybody",
    handle: async (params, { domains, peer }) => ({
      response: await domains.accounts.registerStart(params, peer.host),
    }),
  },
  opaqueRegisterFinish: {
    access: "anybody",
    handle: async (params, { domains, peer }) => {
      await domains.accounts.registerFinish(params, peer.host);
      return { success: true };
    },
  },
  opaqueLoginStart: {
    access: "anybody",
    handle: (params, { domains, peer }) => domains.accounts.loginStart(params, peer.host),
  },
  opaqueLoginFinish: {
    access: "anybody",
    handle: async (params, { domains, peer }) => {
      const { sessionToken } = await domains.accounts.loginFinish(params, peer.host);
      return { sessionToken };
    },
  },
  publishEndpoint: {
    access: { own: "identityKey" },
    handle: async (params, { domains, peer }) => {
      await domains.directory.publishEndpoint(parseIdentityKey(copy(params.identityKey)), params.endpoint);
      return { observedAddress: addressText(peer) };
    },
  },
  resolveEndpoint: {
    access: "caller",
    handle: async (params, { caller, domains }) => ({
      endpoint: await domains.directory.endpointOf(params.identityKey, caller.account),
    }),
  },
  peek: {
    access: { own: "recipientKey" },
    handle: async (params, context) => {
      const query = queryOf(params);
      return fetchAnswer(await context.domains.delivery.peek(query), query.inbox, context);
    },
  },
  ack: {
    access: { own: "recipientKey" },
    handle: async (params, { domains }) => {
      await domains.delivery.ack(inboxOf(params), params.seqUpTo, params.storeEpoch);
      return {};
    },
  },
  fetchHybridKeys: {
    access: "caller",
    handle: async (params, { domains }) => {
      const keys = await domains.keys.fetchHybridKeys(params.identityKeys.map(parseIdentityKey));
      return {
        hybridPublicKeys: keys.map((key) => (key ?? noHybridKey).hybridPublicKey),
        signatures: keys.map((key) => (key ?? noHybridKey).signature),
      };
    },
  },
  batchEnqueue: {
    access: "caller",
    handle: async (params, { sender, domains }) => ({
      seqs: await domains.delivery.batchEnqueue(params.recipientKeys.map(parseIdentityKey), letterOf(params, sender)),
    }),
  },
  createChannel: {
    access: "bound",
    confirmed: true,
    handle: (params, { caller, domains }) => domains.channels.create(actingOf(caller), params.peerKey),
  },
  resolveUser: {
    access: "caller",
    handle: async (params, { caller, domains }) => ({
      identityKey: await domains.directory.identityOf(params.username, caller.account),
    }),
  },
  resolveIdentity: {
    access: "caller",
    handle: async (params, { caller, domains }) => ({
      username: await domains.directory.usernameOf(params.identityKey, caller.account),
    }),
  },
  uploadBlob: {
    access: "bound",
    handle: async (params, { caller, domains }) => {
      await domains.blobs.upload(caller.account as IdentityKey, params);
      return { blobId: params.blobHash };
    },
  },
  downloadBlob: {
    access: "caller",
    handle: async (params, { caller, domains }) => {
      const { chunk, totalSize, mimeType } = await domains.blobs.download(caller.account, params);
      return { chunk, totalSize: BigInt(totalSize), mimeType };
    },
  },
  deleteAccount: {
    access: "identity",
    confirmed: true,
    handle: async (_, { caller, domains }) => {
      await domains.deletion.delete(caller.account as IdentityKey);
      return { success: true };
    },
  },
  registerDevice: {
    access: "identity",
    confirmed: true,
    handle: async (params, { caller, domains }) => ({
      deviceId: await domains.devices.register(caller.account as IdentityKey, params),
    }),
  },
  listDevices: {
    access: "caller",
    handle: async (params, { caller, domains }) => {
      const own = caller.account ?? params.identityKey;
      const devices = await domains.devices.list(params.identityKey.length === 0 ? own : params.identityKey);
      return {
        devices: devices.map(({ deviceId, name, registeredAtMs, deviceKey, signature }) => ({
          deviceId,
          deviceName: name,
          registeredAtMs: BigInt(registeredAtMs),
          deviceKey,
          signature,
        })),
      };
    },
  },
  revokeDevice: {
    access: "identity",
    confirmed: true,
    handle: async (params, { caller, domains }) => {
      await domains.devices.revoke(caller.account as IdentityKey, params.deviceId);
      return { success: true };
    },
  },
  openSession: {
    access: "caller",
    handle: (_, context) => ({
      session: context.openSession(),
      expiresAtMs: BigInt(context.caller.expiresAtMs ?? 0),
    }),
  },
  submitCommit: {
    access: "caller",
    handle: async (params, { sender, domains }) => {
      const idempotencyKey = parseIdempotencyKey(params.idempotencyKey);
      if (idempotencyKey === undefined) throw new QpqError("E011_IDEMPOTENCY_KEY", { fields: { bytes: 0 } });
      const entries = params.entries.map((entry) => ({
        recipientKey: parseIdentityKey(entry.recipientKey),
        letter: letterOf({ ...entry, idempotencyKey: new Uint8Array() }, sender),
      }));
      return { seqs: await domains.commits.submit({ ...params, idempotencyKey, entries, sender }) };
    },
  },
  publishDeliveryToken: {
    access: { own: "identityKey" },
    confirmed: true,
    handle: async (params, { domains }) => {
      await domains.deliveryTokens.publish(parseIdentityKey(copy(params.identityKey)), copy(params.tokenHash));
      return {};
    },
  },
  setBlocked: {
    access: "identity",
    confirmed: true,
    handle: async (params, { caller, domains }) => {
      const sender = parseIdentityKey(copy(params.senderKey));
      await domains.blocks.set(caller.account as IdentityKey, sender, params.blocked);
      return {};
    },
  },
  renewToken: {
    access: "bound",
    handle: async (_, { caller, domains }) => {
      const { sessionToken, expiresAtMs } = await domains.tokens.renew(caller);
      return { sessionToken, expiresAtMs: BigInt(expiresAtMs) };
    },
  },
  revokeTokens: {
    access: "bound",
    handle: async (params, { caller, domains }) => {
      await domains.tokens.revoke(caller, params.all);
      return {};
    },
  },
};

const noHybridKey = { hybridPublicKey: new Uint8Array(), signature: new Uint8Array() };

type QueryFields = Pick<ParamsOf<"peek">, "recipientKey" | "channelId" | "limit" | "after" | "storeEpoch">;

function queryOf(params: QueryFields): FetchQuery {
  return {
    inbox: inboxOf(params),
    limit: params.limit,
    after: params.after,
    storeEpoch: params.storeEpoch,
  };
}

/** Decoded bytes are views into the request's frame: what is kept longer than the call must not hold the whole frame. */
function copy(view: Uint8Array): Uint8Array {
  return Uint8Array.from(view);
}
