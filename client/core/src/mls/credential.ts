/**
 * Who a member is. ts-mls's default accepts every credential; here a credential is a name only when it proves itself: a
 * basic one whose identity is the very key that signs, 32 bytes of Ed25519. So a leaf can claim no identity but its own,
 * and no directory has to be believed. The test that talks to OpenMLS, whose only build for Node insists on names of
 * another form, puts a file of its own in this one's place.
 */
import { type IdentityKey, sizes } from "quicproquo-proto";
import type { Identity } from "../identity.ts";
import { equalBytes } from "./bytes.ts";
import type { Credential, CredentialTypeName, LeafNode } from "./ts-mls.ts";

/** What our leaves say that they can check. */
export const credentialTypes: CredentialTypeName[] = ["basic"];

export function credentialOf(me: Identity): Credential {
  return { credentialType: "basic", identity: me.identityKey };
}

/** The identity that a credential proves beside a signature key; undefined when it proves none. */
export function provenIdentity(credential: Credential, signaturePublicKey: Uint8Array): IdentityKey | undefined {
  if (credential.credentialType !== "basic") return undefined;
  const { identity } = credential;
  if (identity.length !== sizes.identityKey || !equalBytes(identity, signaturePublicKey)) return undefined;
  return identity as IdentityKey;
}

/** The same of a leaf, whose signature somebody else has checked. */
export function identityOfLeaf(leaf: LeafNode): IdentityKey | undefined {
  return provenIdentity(leaf.credential, leaf.signaturePublicKey);
}
