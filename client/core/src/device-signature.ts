/**
 * Further devices of an account: each has an Ed25519 key of its own, and is the account's because the identity key signed
 * it (docs/wire.md, Devices). Whoever is told of one checks that, or the server could list a device of its own.
 */
import { type IdentityKey, labels } from "quicproquo-proto";
import { type Identity, verifySignature } from "./identity.ts";

/** signature of registerDevice, 64 bytes: over identityKey || deviceKey. */
export function signDevice(identity: Identity, deviceKey: IdentityKey): Uint8Array {
  return identity.sign(labels.device, identity.identityKey, deviceKey);
}

export type ListedDevice = {
  /** Whose device it should be: the identity that was asked for. */
  readonly identityKey: IdentityKey;
  readonly deviceKey: IdentityKey;
  readonly signature: Uint8Array;
};

/** Whether that identity signed it. */
export function verifyDevice({ identityKey, deviceKey, signature }: ListedDevice): boolean {
  return verifySignature({ identityKey, label: labels.device, parts: [identityKey, deviceKey], signature });
}
