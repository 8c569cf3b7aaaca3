/** Reads accounts, what belongs to them, and channels from qpq.db. One row by a primary key or unique index each. */
import type { DatabaseSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { Account, Device, Token } from "../port.ts";
import type { ReadCall } from "./protocol.ts";
import type { Handlers } from "./serve.ts";

type Reads = Omit<Handlers<ReadCall>, "read" | "getHybridKeys" | "readUpload" | "readBlob" | "blobBytesOf" | "probe">;

type AccountRow = {
  username: string;
  identity: IdentityKey;
  record: Uint8Array;
  stretching: number;
  created_at: number;
  disabled: number;
};
export type DeviceRow = {
  identity: IdentityKey;
  device_id: Uint8Array;
  device_key: IdentityKey;
  name: string;
  signature: Uint8Array;
  registered_at: number;
};
type TokenRow = {
  hash: Uint8Array;
  identity: IdentityKey;
  acts_for: IdentityKey;
  created_at: number;
  expires_at: number;
};

export function accountReads(db: DatabaseSync): Reads {
  // a row, and the work of one, also where there is none (account-port.ts)
  const byUsername = db.prepare(`
    SELECT * FROM account WHERE username = ?
    UNION ALL SELECT '', zeroblob(32), zeroblob(192), 1, 0, 0 LIMIT 1`);
  const byIdentity = db.prepare("SELECT * FROM account WHERE identity = ?");
  // usernames compare as the bytes of their UTF-8 (BINARY)
  const behind = db.prepare("SELECT * FROM account WHERE username > ? ORDER BY username LIMIT ?");
  const token = db.prepare(`
    SELECT t.* FROM token t JOIN account a ON a.identity = t.identity
    WHERE t.hash = ? AND t.expires_at > ? AND a.disabled = 0`);
  const devices = db.prepare("SELECT * FROM device WHERE identity = ? ORDER BY id");
  const owner = db.prepare("SELECT identity FROM device WHERE device_key = ?");
  const endpoint = db.prepare("SELECT endpoint FROM endpoint WHERE identity = ? AND expires_at > ?");
  const deliveryToken = db.prepare("SELECT hash FROM delivery_token WHERE identity = ?");
  const block = db.prepare(`
    SELECT 1 FROM block
    WHERE owner = coalesce((SELECT identity FROM device WHERE device_key = ?1), ?1) AND sender = ?2`);
  const channel = db.prepare("SELECT one, other FROM channel WHERE id = ?");

  return {
    accountOf(username) {
      const account = accountFrom(byUsername.get(username));
      return account?.username === "" ? undefined : account;
    },
    accountOfIdentity: (identity) => accountFrom(byIdentity.get(identity)),
    listAccounts: ({ afterUsername, limit }) =>
      behind.all(afterUsername, limit).map((row) => accountFrom(row) as Account),
    findTokens: (hashes, nowMs) => hashes.map((hash) => tokenFrom(token.get(hash, nowMs))),
    listDevices: (identity) => (devices.all(identity) as DeviceRow[]).map(deviceFrom),
    ownerOfDevice: (key) => (owner.get(key) as DeviceRow | undefined)?.identity,
    endpointOf: (identity, nowMs) => (endpoint.get(identity, nowMs) as { endpoint: Uint8Array } | undefined)?.endpoint,
    deliveryTokenOf: (identity) => (deliveryToken.get(identity) as TokenRow | undefined)?.hash,
    areBlocked: (pairs) => pairs.map(({ owner, sender }) => block.get(owner, sender) !== undefined),
    membersOf(channelId) {
      const row = channel.get(channelId) as { one: IdentityKey; other: IdentityKey } | undefined;
      return row && [row.one, row.other];
    },
  };
}

function accountFrom(found: unknown): Account | undefined {
  const row = found as AccountRow | undefined;
  if (row === undefined) return undefined;
  const { username, identity, record, stretching, created_at: createdAtMs, disabled } = row;
  return { username, identity, record, stretching, createdAtMs, disabled: disabled === 1 };
}

function tokenFrom(found: unknown): Token | undefined {
  const row = found as TokenRow | undefined;
  if (row === undefined) return undefined;
  const { hash, identity, acts_for: actsFor, created_at: createdAtMs, expires_at: expiresAtMs } = row;
  return { hash, identity, actsFor, createdAtMs, expiresAtMs };
}

export function deviceFrom(row: DeviceRow): Device {
  const { identity, device_id: deviceId, device_key: deviceKey, name, signature, registered_at: registeredAtMs } = row;
  return { identity, deviceId, deviceKey, name, signature, registeredAtMs };
}
