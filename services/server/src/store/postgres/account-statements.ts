/** Accounts and what belongs to them, and channels: one statement a call. Migration 4 has the functions. */
import { type IdentityKey, latin1 } from "quicproquo-proto";
import { type AccountCalls, type ChannelCalls, wholeMs } from "../packing/codec.ts";
import type { Account, AccountPut, Device, DevicePut, Token } from "../port.ts";
import type { Row } from "./connector.ts";
import { byteaArray, bytesOf } from "./parameters.ts";
import { bytea, type Handlers, run, statementOf, wordOf } from "./statement-calls.ts";

/** Rows are found by primary keys and unique indexes; lists by device_of_identity, token_of_identity, block's key. */
const accountColumns = "username, identity, record, stretching, created_at, disabled";
const deviceColumns = "identity, device_id, device_key, name, signature, registered_at";

const statements = {
  putAccount: statementOf("put_account", "SELECT put_account($1, $2, $3, $4, $5)"),
  // a row, and the work of one, also where there is none (account-port.ts)
  accountOf: statementOf(
    "account_of",
    `SELECT ${accountColumns} FROM account WHERE username = $1
     UNION ALL SELECT '', decode(repeat('00', 32), 'hex'), decode(repeat('00', 192), 'hex'), 1, 0, false LIMIT 1`,
  ),
  accountOfIdentity: statementOf("account_of_identity", `SELECT ${accountColumns} FROM account WHERE identity = $1`),
  setDisabled: statementOf("set_disabled", "UPDATE account SET disabled = $2 WHERE username = $1 RETURNING 1"),
  listAccounts: statementOf(
    "list_accounts",
    `SELECT ${accountColumns} FROM account WHERE username > $1 ORDER BY username LIMIT $2`,
  ),
  putToken: statementOf("put_token", "SELECT put_token($1, $2, $3, $4, $5, $6)"),
  findTokens: statementOf(
    "find_tokens",
    `SELECT asked.n, t.hash, t.identity, t.acts_for, t.created_at, t.expires_at
     FROM unnest($1::bytea[]) WITH ORDINALITY asked (hash, n)
     CROSS JOIN LATERAL (SELECT * FROM token WHERE hash = asked.hash AND expires_at > $2 OFFSET 0) t
     CROSS JOIN LATERAL (SELECT FROM account WHERE identity = t.identity AND NOT disabled OFFSET 0) a`,
  ),
  revokeToken: statementOf("revoke_token", "DELETE FROM token WHERE hash = $1 RETURNING 1"),
  revokeTokens: statementOf("revoke_tokens", "DELETE FROM token WHERE identity = $1 RETURNING 1"),
  revokeTokensOf: statementOf(
    "revoke_tokens_of",
    "DELETE FROM token WHERE identity = $1 AND acts_for = $2 RETURNING 1",
  ),
  putDevice: statementOf("put_device", "SELECT put_device($1, $2, $3, $4, $5, $6, $7)"),
  listDevices: statementOf("list_devices", `SELECT ${deviceColumns} FROM device WHERE identity = $1 ORDER BY id`),
  removeDevice: statementOf("remove_device", `SELECT ${deviceColumns} FROM remove_device($1, $2)`),
  ownerOfDevice: statementOf("owner_of_device", "SELECT identity FROM device WHERE device_key = $1"),
  putEndpoint: statementOf(
    "put_endpoint",
    `INSERT INTO endpoint (identity, endpoint, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (identity) DO UPDATE SET endpoint = excluded.endpoint, expires_at = excluded.expires_at`,
  ),
  endpointOf: statementOf("endpoint_of", "SELECT endpoint FROM endpoint WHERE identity = $1 AND expires_at > $2"),
  putDeliveryToken: statementOf(
    "put_delivery_token",
    `INSERT INTO delivery_token (identity, hash) VALUES ($1, $2)
     ON CONFLICT (identity) DO UPDATE SET hash = excluded.hash`,
  ),
  deleteDeliveryToken: statementOf("delete_delivery_token", "DELETE FROM delivery_token WHERE identity = $1"),
  deliveryTokenOf: statementOf("delivery_token_of", "SELECT hash FROM delivery_token WHERE identity = $1"),
  block: statementOf("set_blocked", "SELECT set_blocked($1, $2, $3)"),
  unblock: statementOf("unblock", "DELETE FROM block WHERE owner = $1 AND sender = $2"),
  areBlocked: statementOf(
    "are_blocked",
    `SELECT asked.n FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY asked (owner, sender, n)
     LEFT JOIN LATERAL (SELECT identity FROM device WHERE device_key = asked.owner OFFSET 0) d ON true
     CROSS JOIN LATERAL (
       SELECT FROM block WHERE owner = coalesce(d.identity, asked.owner) AND sender = asked.sender OFFSET 0
     ) b`,
  ),
  deleteAccountStep: statementOf("delete_account_step", "SELECT delete_account_step($1, $2)"),
  createChannel: statementOf("create_channel", "SELECT create_channel($1, $2, $3)"),
  membersOf: statementOf("members_of", "SELECT one, other FROM channel WHERE id = $1"),
};

/** Of one step of a deletion: a commit of some 10 ms. */
const stepRowsMax = 128;

export const accountHandlers: Handlers<AccountCalls & ChannelCalls> = {
  async putAccount(link, { username, identity, record, stretching, createdAtMs }) {
    const values = [username, bytea(identity), bytea(record), stretching, wholeMs(createdAtMs)];
    return (await wordOf(link, statements.putAccount, values)) as AccountPut;
  },
  async accountOf(link, username) {
    const account = accountFrom((await run(link, statements.accountOf, [username]))[0]);
    return account?.username === "" ? undefined : account;
  },
  accountOfIdentity: async (link, identity) =>
    accountFrom((await run(link, statements.accountOfIdentity, [bytea(identity)]))[0]),
  setDisabled: async (link, { username, disabled }) =>
    (await run(link, statements.setDisabled, [username, disabled])).length === 1,
  listAccounts: async (link, { afterUsername, limit }) =>
    (await run(link, statements.listAccounts, [afterUsername, limit])).map((row) => accountFrom(row) as Account),

  async putToken(link, { token, tokensMax }) {
    const { hash, identity, actsFor, createdAtMs, expiresAtMs } = token;
    const times = [wholeMs(createdAtMs), wholeMs(expiresAtMs)];
    const values = [bytea(hash), bytea(identity), bytea(actsFor), ...times, tokensMax];
    return (await wordOf(link, statements.putToken, values)) === "t" ? "stored" : "refused";
  },
  async findTokens(link, hashes, nowMs) {
    const found = new Array<Token | undefined>(hashes.length).fill(undefined);
    for (const [n, ...row] of await run(link, statements.findTokens, [byteaArray(hashes), nowMs])) {
      found[Number(n) - 1] = tokenFrom(row);
    }
    return found;
  },
  revokeToken: async (link, hash) => (await run(link, statements.revokeToken, [bytea(hash)])).length === 1,
  async revokeTokens(link, { identity, actsFor }) {
    if (actsFor === undefined) return (await run(link, statements.revokeTokens, [bytea(identity)])).length;
    return (await run(link, statements.revokeTokensOf, [bytea(identity), bytea(actsFor)])).length;
  },

  async putDevice(link, { device, devicesMax }) {
    const { identity, deviceId, deviceKey, name, signature, registeredAtMs } = device;
    const keys = [bytea(identity), bytea(deviceId), bytea(deviceKey)];
    const values = [...keys, name, bytea(signature), wholeMs(registeredAtMs), devicesMax];
    return (await wordOf(link, statements.putDevice, values)) as DevicePut;
  },
  listDevices: async (link, identity) => (await run(link, statements.listDevices, [bytea(identity)])).map(deviceFrom),
  async removeDevice(link, { identity, deviceId }) {
    const [row] = await run(link, statements.removeDevice, [bytea(identity), bytea(deviceId)]);
    return row && deviceFrom(row);
  },
  ownerOfDevice: async (link, key) =>
    bytesFrom(await run(link, statements.ownerOfDevice, [bytea(key)])) as IdentityKey | undefined,

  async putEndpoint(link, { identity, endpoint, expiresAtMs }) {
    await run(link, statements.putEndpoint, [bytea(identity), bytea(endpoint), wholeMs(expiresAtMs)]);
  },
  endpointOf: async (link, identity, nowMs) =>
    bytesFrom(await run(link, statements.endpointOf, [bytea(identity), nowMs])),
  async putDeliveryToken(link, { identity, tokenHash }) {
    if (tokenHash === undefined) await run(link, statements.deleteDeliveryToken, [bytea(identity)]);
    else await run(link, statements.putDeliveryToken, [bytea(identity), bytea(tokenHash)]);
  },
  deliveryTokenOf: async (link, identity) => bytesFrom(await run(link, statements.deliveryTokenOf, [bytea(identity)])),

  async setBlocked(link, { owner, sender, blocked, blocksMax }) {
    const names = [bytea(owner), bytea(sender)];
    if (blocked) return (await wordOf(link, statements.block, [...names, blocksMax])) === "t";
    await run(link, statements.unblock, names);
    return true;
  },
  async areBlocked(link, pairs) {
    const names = [byteaArray(pairs.map(({ owner }) => owner)), byteaArray(pairs.map(({ sender }) => sender))];
    const blocked = new Set((await run(link, statements.areBlocked, names)).map(([n]) => Number(n)));
    return pairs.map((_, i) => blocked.has(i + 1));
  },

  deleteAccountStep: async (link, identity) =>
    (await wordOf(link, statements.deleteAccountStep, [bytea(identity), stepRowsMax])) === "t",

  async createChannel(link, { a, b, newId }) {
    const members = [bytea(a), bytea(b)].sort(Buffer.compare);
    const channelId = bytesOf(await wordOf(link, statements.createChannel, [bytea(newId), ...members]));
    return { channelId, wasNew: latin1(channelId) === latin1(newId) };
  },
  async membersOf(link, channelId) {
    const [[one, other] = []] = await run(link, statements.membersOf, [bytea(channelId)]);
    if (one === undefined) return undefined;
    return [bytesOf(one as string) as IdentityKey, bytesOf(other as string) as IdentityKey];
  },
};

function bytesFrom(rows: readonly Row[]): Uint8Array | undefined {
  const text = rows[0]?.[0];
  return typeof text === "string" ? bytesOf(text) : undefined;
}

function accountFrom(row: Row | undefined): Account | undefined {
  if (row === undefined) return undefined;
  const [username, identity, record, stretching, createdAtMs, disabled] = row as readonly string[];
  return {
    username: username as string,
    identity: bytesOf(identity as string) as IdentityKey,
    record: bytesOf(record as string),
    stretching: Number(stretching),
    createdAtMs: Number(createdAtMs),
    disabled: disabled === "t",
  };
}

function tokenFrom(row: Row): Token {
  const [hash, identity, actsFor, createdAtMs, expiresAtMs] = row as readonly string[];
  return {
    hash: bytesOf(hash as string),
    identity: bytesOf(identity as string) as IdentityKey,
    actsFor: bytesOf(actsFor as string) as IdentityKey,
    createdAtMs: Number(createdAtMs),
    expiresAtMs: Number(expiresAtMs),
  };
}

function deviceFrom(row: Row): Device {
  const [identity, deviceId, deviceKey, name, signature, registeredAtMs] = row as readonly string[];
  return {
    identity: bytesOf(identity as string) as IdentityKey,
    deviceId: bytesOf(deviceId as string),
    deviceKey: bytesOf(deviceKey as string) as IdentityKey,
    name: name as string,
    signature: bytesOf(signature as string),
    registeredAtMs: Number(registeredAtMs),
  };
}
