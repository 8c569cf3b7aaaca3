/**
 * Stands in for src/mls/credential.ts in the test that talks to OpenMLS: Wire's build of it insists on identities of the
 * form `uuid:device@domain`, so there a member is called that, and known by its signature key. The name is made from the
 * key, the device is 1. Its groups also require of each member that it knows certificates.
 */
import type { IdentityKey } from "quicproquo-proto";
import type { Credential, CredentialTypeName, LeafNode } from "ts-mls";
import type { Identity } from "../../src/identity.ts";

export const credentialTypes: CredentialTypeName[] = ["basic", "x509"];

export function uuidOf(identityKey: Uint8Array): string {
  const digits = identityKey.slice(0, 16).toHex();
  // version 4, variant 1
  const uuid = `${digits.slice(0, 12)}4${digits.slice(13, 16)}8${digits.slice(17, 32)}`;
  return uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function credentialOf(me: Identity): Credential {
  const name = `${uuidOf(me.identityKey)}:1@example.org`;
  return { credentialType: "basic", identity: new TextEncoder().encode(name) };
}

export function provenIdentity(credential: Credential, signaturePublicKey: Uint8Array): IdentityKey | undefined {
  return credential.credentialType === "basic" ? (signaturePublicKey as IdentityKey) : undefined;
}

export function identityOfLeaf(leaf: LeafNode): IdentityKey | undefined {
  return provenIdentity(leaf.credential, leaf.signaturePublicKey);
}
