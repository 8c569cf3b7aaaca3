/** Builders of what belongs to an account, for the suites. */
import type { IdentityKey } from "quicproquo-proto";
import type { Account, BlobAppend, Device, Token } from "../../src/store/port.ts";
import { identityOf, messageIdOf, type Setup } from "./subject.ts";

export function accountNamed(username: string, identity = identityOf(username)): Omit<Account, "disabled"> {
  return { username, identity, record: recordOf(username), stretching: 1, createdAtMs: 1_000 };
}

/** As long as a real one. */
export function recordOf(text: string): Uint8Array {
  return Uint8Array.from({ length: 192 }, (_, i) => text.charCodeAt(i % text.length) & 0xff);
}

export function deviceOf(owner: IdentityKey, name: string): Device {
  return {
    identity: owner,
    deviceId: messageIdOf(name),
    deviceKey: identityOf(name),
    name: `${name}’s device`,
    signature: new Uint8Array(64).fill(name.length),
    registeredAtMs: 2_000,
  };
}

export function tokenHash(name: string): Uint8Array {
  return identityOf(`token ${name}`);
}

/** Of this setup's now. */
export function tokenNamed(setup: Setup, name: string, options: Partial<Token> & { identity: IdentityKey }): Token {
  return {
    hash: tokenHash(name),
    actsFor: options.identity,
    createdAtMs: setup.nowMs,
    expiresAtMs: setup.nowMs + 60_000,
    ...options,
  };
}

export function chunkOf(setup: Setup, owner: IdentityKey, options: Partial<BlobAppend>): BlobAppend {
  return {
    owner,
    blobId: identityOf("content"),
    totalSize: 10,
    mimeType: "application/octet-stream",
    offset: 0,
    chunk: new Uint8Array(0),
    expiresAtMs: setup.nowMs + 60_000,
    quotaBytesMax: 10_000_000,
    ...options,
  };
}
