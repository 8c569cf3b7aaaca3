/** Codecs of the methods that find people and say how they may be reached: names, endpoints, channels, blocking. */
import { decodeNothing, encodeNothing, methodCodec } from "./codec.ts";
import { NodeService } from "./gen/node.ts";
import { type AuthFields, decodeAuth, encodeAuth } from "./messages-common.ts";

const { methods } = NodeService;

export type ResolveUserParams = { readonly username: string; readonly auth: AuthFields };
/** Empty when there is none. */
export type ResolveUserResults = { readonly identityKey: Uint8Array };

export const resolveUser = methodCodec({
  method: methods.resolveUser,
  encodeParams(params: ResolveUserParams, builder) {
    builder.username = params.username;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ username: reader.username, auth: decodeAuth(reader.auth) }),
  encodeResults(results: ResolveUserResults, builder) {
    builder.identityKey = results.identityKey;
  },
  decodeResults: (reader) => ({ identityKey: reader.identityKey }),
});

export type IdentityParams = { readonly identityKey: Uint8Array; readonly auth: AuthFields };
/** Empty when there is none. */
export type ResolveIdentityResults = { readonly username: string };

export const resolveIdentity = methodCodec({
  method: methods.resolveIdentity,
  encodeParams(params: IdentityParams, builder) {
    builder.identityKey = params.identityKey;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ identityKey: reader.identityKey, auth: decodeAuth(reader.auth) }),
  encodeResults(results: ResolveIdentityResults, builder) {
    builder.username = results.username;
  },
  decodeResults: (reader) => ({ username: reader.username }),
});

export type PublishEndpointParams = IdentityParams & { readonly endpoint: Uint8Array };
export type PublishEndpointResults = { readonly observedAddress: string };

export const publishEndpoint = methodCodec({
  method: methods.publishEndpoint,
  encodeParams(params: PublishEndpointParams, builder) {
    builder.identityKey = params.identityKey;
    builder.endpoint = params.endpoint;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({
    identityKey: reader.identityKey,
    endpoint: reader.endpoint,
    auth: decodeAuth(reader.auth),
  }),
  encodeResults(results: PublishEndpointResults, builder) {
    builder.observedAddress = results.observedAddress;
  },
  decodeResults: (reader) => ({ observedAddress: reader.observedAddress }),
});

/** Empty when there is none. */
export type ResolveEndpointResults = { readonly endpoint: Uint8Array };

export const resolveEndpoint = methodCodec({
  method: methods.resolveEndpoint,
  encodeParams(params: IdentityParams, builder) {
    builder.identityKey = params.identityKey;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ identityKey: reader.identityKey, auth: decodeAuth(reader.auth) }),
  encodeResults(results: ResolveEndpointResults, builder) {
    builder.endpoint = results.endpoint;
  },
  decodeResults: (reader) => ({ endpoint: reader.endpoint }),
});

export type CreateChannelParams = { readonly peerKey: Uint8Array; readonly auth: AuthFields };
export type CreateChannelResults = { readonly channelId: Uint8Array; readonly wasNew: boolean };

export const createChannel = methodCodec({
  method: methods.createChannel,
  encodeParams(params: CreateChannelParams, builder) {
    builder.peerKey = params.peerKey;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ peerKey: reader.peerKey, auth: decodeAuth(reader.auth) }),
  encodeResults(results: CreateChannelResults, builder) {
    builder.channelId = results.channelId;
    builder.wasNew = results.wasNew;
  },
  decodeResults: (reader) => ({ channelId: reader.channelId, wasNew: reader.wasNew }),
});

/** tokenHash = SHA-256 of the delivery token. */
export type PublishDeliveryTokenParams = IdentityParams & { readonly tokenHash: Uint8Array };

export const publishDeliveryToken = methodCodec({
  method: methods.publishDeliveryToken,
  encodeParams(params: PublishDeliveryTokenParams, builder) {
    builder.identityKey = params.identityKey;
    builder.tokenHash = params.tokenHash;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({
    identityKey: reader.identityKey,
    tokenHash: reader.tokenHash,
    auth: decodeAuth(reader.auth),
  }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});

export type SetBlockedParams = {
  readonly senderKey: Uint8Array;
  readonly blocked: boolean;
  readonly auth: AuthFields;
};

export const setBlocked = methodCodec({
  method: methods.setBlocked,
  encodeParams(params: SetBlockedParams, builder) {
    builder.senderKey = params.senderKey;
    builder.blocked = params.blocked;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({
    senderKey: reader.senderKey,
    blocked: reader.blocked,
    auth: decodeAuth(reader.auth),
  }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});
