/** Codecs of the methods about accounts: OPAQUE registration and login, tokens, names, endpoints, blocking. */
import { decodeNothing, encodeNothing, methodCodec } from "./codec.ts";
import { NodeService } from "./gen/node.ts";
import { type AuthFields, decodeAuth, encodeAuth } from "./messages-common.ts";

const { methods } = NodeService;

export type SuccessResults = { readonly success: boolean };

export type OpaqueStartParams = { readonly username: string; readonly request: Uint8Array };
export type OpaqueRegisterStartResults = { readonly response: Uint8Array };

export const opaqueRegisterStart = methodCodec({
  method: methods.opaqueRegisterStart,
  encodeParams(params: OpaqueStartParams, builder) {
    builder.username = params.username;
    builder.request = params.request;
  },
  decodeParams: (reader) => ({ username: reader.username, request: reader.request }),
  encodeResults(results: OpaqueRegisterStartResults, builder) {
    builder.response = results.response;
  },
  decodeResults: (reader) => ({ response: reader.response }),
});

export type OpaqueRegisterFinishParams = {
  readonly username: string;
  readonly upload: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly identityProof: Uint8Array;
};

export const opaqueRegisterFinish = methodCodec({
  method: methods.opaqueRegisterFinish,
  encodeParams(params: OpaqueRegisterFinishParams, builder) {
    builder.username = params.username;
    builder.upload = params.upload;
    builder.identityKey = params.identityKey;
    builder.identityProof = params.identityProof;
  },
  decodeParams: (reader) => ({
    username: reader.username,
    upload: reader.upload,
    identityKey: reader.identityKey,
    identityProof: reader.identityProof,
  }),
  encodeResults(results: SuccessResults, builder) {
    builder.success = results.success;
  },
  decodeResults: (reader) => ({ success: reader.success }),
});

export type OpaqueLoginStartResults = {
  readonly response: Uint8Array;
  /** The sealed login state: any front-end can finish. */
  readonly loginId: Uint8Array;
  readonly stretching: number;
};

export const opaqueLoginStart = methodCodec({
  method: methods.opaqueLoginStart,
  encodeParams(params: OpaqueStartParams, builder) {
    builder.username = params.username;
    builder.request = params.request;
  },
  decodeParams: (reader) => ({ username: reader.username, request: reader.request }),
  encodeResults(results: OpaqueLoginStartResults, builder) {
    builder.response = results.response;
    builder.loginId = results.loginId;
    builder.stretching = results.stretching;
  },
  decodeResults: (reader) => ({
    response: reader.response,
    loginId: reader.loginId,
    stretching: reader.stretching,
  }),
});

export type OpaqueLoginFinishParams = {
  readonly username: string;
  readonly finalization: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly loginId: Uint8Array;
  readonly identityProof: Uint8Array;
};
/** A secret. */
export type OpaqueLoginFinishResults = { readonly sessionToken: Uint8Array };

export const opaqueLoginFinish = methodCodec({
  method: methods.opaqueLoginFinish,
  encodeParams(params: OpaqueLoginFinishParams, builder) {
    builder.username = params.username;
    builder.finalization = params.finalization;
    builder.identityKey = params.identityKey;
    builder.loginId = params.loginId;
    builder.identityProof = params.identityProof;
  },
  decodeParams: (reader) => ({
    username: reader.username,
    finalization: reader.finalization,
    identityKey: reader.identityKey,
    loginId: reader.loginId,
    identityProof: reader.identityProof,
  }),
  encodeResults(results: OpaqueLoginFinishResults, builder) {
    builder.sessionToken = results.sessionToken;
  },
  decodeResults: (reader) => ({ sessionToken: reader.sessionToken }),
});

export type AuthOnlyParams = { readonly auth: AuthFields };

export const deleteAccount = methodCodec({
  method: methods.deleteAccount,
  encodeParams(params: AuthOnlyParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ auth: decodeAuth(reader.auth) }),
  encodeResults(results: SuccessResults, builder) {
    builder.success = results.success;
  },
  decodeResults: (reader) => ({ success: reader.success }),
});

export type RenewTokenResults = { readonly sessionToken: Uint8Array; readonly expiresAtMs: bigint };

export const renewToken = methodCodec({
  method: methods.renewToken,
  encodeParams(params: AuthOnlyParams, builder) {
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ auth: decodeAuth(reader.auth) }),
  encodeResults(results: RenewTokenResults, builder) {
    builder.sessionToken = results.sessionToken;
    builder.expiresAtMs = results.expiresAtMs;
  },
  decodeResults: (reader) => ({ sessionToken: reader.sessionToken, expiresAtMs: reader.expiresAtMs }),
});

export type RevokeTokensParams = AuthOnlyParams & { readonly all: boolean };

export const revokeTokens = methodCodec({
  method: methods.revokeTokens,
  encodeParams(params: RevokeTokensParams, builder) {
    builder.all = params.all;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ all: reader.all, auth: decodeAuth(reader.auth) }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});
