/**
 * What a client must keep: its identity, its hybrid key pair and the key of its database. And the one binary form of
 * it, versioned and with a checksum, in clear: `QPCS | version 1 | identity seed 32 | hybrid seed 96 | database key 32
 * | SHA-256 of all before`. The checksum finds a damaged disk, not an attacker: a flipped bit must never become a
 * different identity without a word.
 */
import { primitives } from "#primitives";
import { QpqError } from "quicproquo-proto";
import { HybridKeyPair, hybridSeedBytes } from "../hybrid-key.ts";
import { Identity, identitySeedBytes } from "../identity.ts";
import { SecretBytes } from "../secret.ts";

export type ClientState = {
  readonly identity: Identity;
  readonly hybridKeyPair: HybridKeyPair;
  /** 32 bytes: the AEAD key of the records in qpq-state.db. */
  readonly databaseKey: SecretBytes;
};

const magic = new TextEncoder().encode("QPCS");
const version = 1;
const databaseKeyBytes = 32;
const checksumBytes = 32;
const versionAt = magic.length;
const identitySeedAt = versionAt + 1;
const hybridSeedAt = identitySeedAt + identitySeedBytes;
const databaseKeyAt = hybridSeedAt + hybridSeedBytes;
const checksumAt = databaseKeyAt + databaseKeyBytes;
const stateBytes = checksumAt + checksumBytes;

/** A new account's state, from the operating system's randomness. */
export function generateClientState(): ClientState {
  const key = primitives.randomBytes(databaseKeyBytes);
  const databaseKey = new SecretBytes(key);
  key.fill(0);
  return { identity: Identity.generate(), hybridKeyPair: HybridKeyPair.generate(), databaseKey };
}

/** 197 bytes, all secrets in clear; the caller wipes them. */
export function encodeClientState(state: ClientState): Uint8Array {
  const bytes = new Uint8Array(stateBytes);
  bytes.set(magic, 0);
  bytes[versionAt] = version;
  const secrets = [
    [identitySeedAt, state.identity.exportSeed()],
    [hybridSeedAt, state.hybridKeyPair.exportSeed()],
    [databaseKeyAt, state.databaseKey.reveal()],
  ] as const;
  for (const [at, secret] of secrets) {
    bytes.set(secret, at);
    secret.fill(0);
  }
  bytes.set(primitives.sha256(bytes.subarray(0, checksumAt)), checksumAt);
  return bytes;
}

/** Throws E044_STATE_FILE for anything but bytes of {@link encodeClientState}. The caller wipes the bytes. */
export function decodeClientState(bytes: Uint8Array): ClientState {
  if (!startsWith(bytes, magic)) {
    throw new QpqError("E044_STATE_FILE", { text: "the file is not a client state file" });
  }
  const found = bytes[versionAt];
  if (found !== undefined && found !== version) {
    const fields = { version: found };
    throw new QpqError("E044_STATE_FILE", { fields, text: "the client state file is damaged or of a newer version" });
  }
  const checksum = primitives.sha256(bytes.subarray(0, checksumAt));
  if (bytes.length !== stateBytes || !startsWith(bytes.subarray(checksumAt), checksum)) {
    throw new QpqError("E044_STATE_FILE", { text: "the client state file is damaged; restore it from a copy" });
  }
  return {
    identity: Identity.fromSeed(bytes.subarray(identitySeedAt, hybridSeedAt)),
    hybridKeyPair: HybridKeyPair.fromSeed(bytes.subarray(hybridSeedAt, databaseKeyAt)),
    databaseKey: new SecretBytes(bytes.subarray(databaseKeyAt, checksumAt)),
  };
}

/** Of public bytes only: it stops at the first difference. */
export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}
