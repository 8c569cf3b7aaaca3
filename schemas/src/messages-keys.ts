/** Codecs of the methods that publish and fetch keys: MLS KeyPackages and hybrid public keys. */
import { asItIs, decodeList, decodeNothing, encodeList, encodeNothing, methodCodec } from "./codec.ts";
import { NodeService } from "./gen/node.ts";
import { limits } from "./limits.ts";
import { type AuthFields, decodeAuth, encodeAuth } from "./messages-common.ts";

const { methods } = NodeService;

export type UploadKeyPackageParams = {
  readonly identityKey: Uint8Array;
  readonly package: Uint8Array;
  readonly auth: AuthFields;
  readonly lastResort: boolean;
};
export type UploadKeyPackageResults = { readonly fingerprint: Uint8Array; readonly remaining: number };

export const uploadKeyPackage = methodCodec({
  method: methods.uploadKeyPackage,
  encodeParams(params: UploadKeyPackageParams, builder) {
    builder.identityKey = params.identityKey;
    builder.package = params.package;
    encodeAuth(params.auth, builder.initAuth());
    builder.lastResort = params.lastResort;
  },
  decodeParams: (reader) => ({
    identityKey: reader.identityKey,
    package: reader.package,
    auth: decodeAuth(reader.auth),
    lastResort: reader.lastResort,
  }),
  encodeResults(results: UploadKeyPackageResults, builder) {
    builder.fingerprint = results.fingerprint;
    builder.remaining = results.remaining;
  },
  decodeResults: (reader) => ({ fingerprint: reader.fingerprint, remaining: reader.remaining }),
});

export type FetchKeyPackageParams = { readonly identityKey: Uint8Array; readonly auth: AuthFields };
/** Empty when there is none. */
export type FetchKeyPackageResults = { readonly package: Uint8Array };

export const fetchKeyPackage = methodCodec({
  method: methods.fetchKeyPackage,
  encodeParams(params: FetchKeyPackageParams, builder) {
    builder.identityKey = params.identityKey;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ identityKey: reader.identityKey, auth: decodeAuth(reader.auth) }),
  encodeResults(results: FetchKeyPackageResults, builder) {
    builder.package = results.package;
  },
  decodeResults: (reader) => ({ package: reader.package }),
});

export type UploadHybridKeyParams = {
  readonly identityKey: Uint8Array;
  readonly hybridPublicKey: Uint8Array;
  readonly auth: AuthFields;
  readonly signature: Uint8Array;
};

export const uploadHybridKey = methodCodec({
  method: methods.uploadHybridKey,
  encodeParams(params: UploadHybridKeyParams, builder) {
    builder.identityKey = params.identityKey;
    builder.hybridPublicKey = params.hybridPublicKey;
    encodeAuth(params.auth, builder.initAuth());
    builder.signature = params.signature;
  },
  decodeParams: (reader) => ({
    identityKey: reader.identityKey,
    hybridPublicKey: reader.hybridPublicKey,
    auth: decodeAuth(reader.auth),
    signature: reader.signature,
  }),
  encodeResults: encodeNothing,
  decodeResults: decodeNothing,
});

export type FetchHybridKeyParams = { readonly identityKey: Uint8Array; readonly auth: AuthFields };
/** Both empty when there is none. */
export type FetchHybridKeyResults = { readonly hybridPublicKey: Uint8Array; readonly signature: Uint8Array };

export const fetchHybridKey = methodCodec({
  method: methods.fetchHybridKey,
  encodeParams(params: FetchHybridKeyParams, builder) {
    builder.identityKey = params.identityKey;
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({ identityKey: reader.identityKey, auth: decodeAuth(reader.auth) }),
  encodeResults(results: FetchHybridKeyResults, builder) {
    builder.hybridPublicKey = results.hybridPublicKey;
    builder.signature = results.signature;
  },
  decodeResults: (reader) => ({ hybridPublicKey: reader.hybridPublicKey, signature: reader.signature }),
});

export type FetchHybridKeysParams = { readonly identityKeys: readonly Uint8Array[]; readonly auth: AuthFields };
/** In the order asked for; empty where there is none. */
export type FetchHybridKeysResults = {
  readonly hybridPublicKeys: readonly Uint8Array[];
  readonly signatures: readonly Uint8Array[];
};

const identitiesLimit = { max: limits.hybridKeysMax.max, code: "E016_TOO_MANY_RECIPIENTS" } as const;

export const fetchHybridKeys = methodCodec({
  method: methods.fetchHybridKeys,
  encodeParams(params: FetchHybridKeysParams, builder) {
    encodeList(builder.initIdentityKeys(params.identityKeys.length), params.identityKeys);
    encodeAuth(params.auth, builder.initAuth());
  },
  decodeParams: (reader) => ({
    identityKeys: decodeList(reader.identityKeys, identitiesLimit, asItIs),
    auth: decodeAuth(reader.auth),
  }),
  encodeResults(results: FetchHybridKeysResults, builder) {
    encodeList(builder.initHybridPublicKeys(results.hybridPublicKeys.length), results.hybridPublicKeys);
    encodeList(builder.initSignatures(results.signatures.length), results.signatures);
  },
  decodeResults: (reader) => ({
    hybridPublicKeys: decodeList(reader.hybridPublicKeys, identitiesLimit, asItIs),
    signatures: decodeList(reader.signatures, identitiesLimit, asItIs),
  }),
});
