/**
 * What ts-mls needs of us beside a message: the suite with an identity that signs, and the settings. The identity's
 * private key is never handed over: ts-mls calls back to have something signed.
 */
import { mlsCrypto } from "#mls-crypto";
import type { Identity } from "../identity.ts";
import { provenIdentity } from "./credential.ts";
import {
  type CiphersuiteImpl,
  type ClientConfig,
  defaultKeyPackageEqualityConfig,
  defaultKeyRetentionConfig,
  defaultLifetimeConfig,
} from "./ts-mls.ts";

export const suite: CiphersuiteImpl = mlsCrypto;

/** Stands where ts-mls keeps a signature key; {@link suiteOf} never reads it. */
export const noSigningKey = new Uint8Array(0);

/** The suite in which `me` signs. */
export function suiteOf(me: Identity): CiphersuiteImpl {
  return { ...suite, signature: { ...suite.signature, sign: async (_noKey, content) => me.signMls(content) } };
}

/**
 * - retention: the defaults (10 skipped keys a sender, 200 ahead at most, 4 past epochs, application messages only). The
 *   server delivers in order of seq, so more is never needed, and each kept key is one that a thief could use.
 * - padding: of commits and proposals, to 256 bytes at least; application messages are padded by padding.ts.
 * - lifetimes: checked when a member is added (key-package.ts), not when its commit is read, which may be days later.
 */
export const clientConfig: ClientConfig = {
  keyRetentionConfig: defaultKeyRetentionConfig,
  lifetimeConfig: defaultLifetimeConfig,
  keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
  paddingConfig: { kind: "padUntilLength", padUntilLength: 256 },
  authService: {
    validateCredential: async (credential, signaturePublicKey) =>
      provenIdentity(credential, signaturePublicKey) !== undefined,
  },
};
