/** Tokens and devices in qpq.db. Writing thread only, in its transaction. */
import type { DatabaseSync } from "node:sqlite";
import type { IdentityKey } from "quicproquo-proto";
import type { Device } from "../port.ts";
import { type DeviceRow, deviceFrom } from "./account-reader.ts";
import type { WriteCall } from "./protocol.ts";
import type { Handlers } from "./serve.ts";

type Writes = Pick<Handlers<WriteCall>, "putToken" | "revokeToken" | "revokeTokens" | "putDevice" | "removeDevice">;

export function accessWrites(db: DatabaseSync): Writes {
  const selectAccount = db.prepare("SELECT disabled FROM account WHERE identity = ?");
  const accountOf = (identity: IdentityKey) => selectAccount.get(identity) as { disabled: number } | undefined;
  const selectDevice = db.prepare("SELECT * FROM device WHERE device_key = ?");
  const deviceOf = (key: IdentityKey) => selectDevice.get(key) as DeviceRow | undefined;
  // by token_of_identity
  const insertToken = db.prepare(`
    INSERT INTO token (hash, identity, acts_for, created_at, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
  const deleteOldest = db.prepare(`
    DELETE FROM token WHERE id IN (SELECT id FROM token WHERE identity = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`);
  const deleteToken = db.prepare("DELETE FROM token WHERE hash = ?");
  const deleteTokens = db.prepare("DELETE FROM token WHERE identity = ?");
  const deleteTokensOf = db.prepare("DELETE FROM token WHERE identity = ? AND acts_for = ?");
  // by device_of_identity
  const countDevices = db.prepare("SELECT count(*) AS count FROM device WHERE identity = ?");
  const isTaken = db.prepare(`
    SELECT 1 WHERE EXISTS (SELECT 1 FROM account WHERE identity = ?1) OR EXISTS (SELECT 1 FROM erasure WHERE key = ?1)
      OR EXISTS (SELECT 1 FROM device WHERE identity = ?2 AND device_id = ?3)`);
  const insertDevice = db.prepare(`
    INSERT INTO device (identity, device_id, device_key, name, signature, registered_at) VALUES (?, ?, ?, ?, ?, ?)`);
  const deleteDevice = db.prepare("DELETE FROM device WHERE identity = ? AND device_id = ? RETURNING *");
  const deleteKeyPackages = db.prepare("DELETE FROM key_package WHERE identity = ?");
  const deleteHybridKey = db.prepare("DELETE FROM hybrid_key WHERE identity = ?");

  return {
    putToken({ token: { hash, identity, actsFor, createdAtMs, expiresAtMs }, tokensMax }) {
      if (accountOf(identity)?.disabled !== 0) return "refused";
      const owner = deviceOf(actsFor)?.identity ?? actsFor;
      if (Buffer.compare(owner, identity) !== 0) return "refused";
      insertToken.run(hash, identity, actsFor, createdAtMs, expiresAtMs);
      deleteOldest.run(identity, tokensMax);
      return "stored";
    },
    revokeToken: (hash) => deleteToken.run(hash).changes === 1,
    revokeTokens: ({ identity, actsFor }) =>
      Number((actsFor === undefined ? deleteTokens.run(identity) : deleteTokensOf.run(identity, actsFor)).changes),
    putDevice({ device, devicesMax }) {
      const { identity, deviceId, deviceKey, name, signature, registeredAtMs } = device;
      if (accountOf(identity) === undefined) return "noAccount";
      const same = deviceOf(deviceKey);
      if (same !== undefined) return Buffer.compare(same.identity, identity) === 0 ? "known" : "keyTaken";
      if (isTaken.get(deviceKey, identity, deviceId) !== undefined) return "keyTaken";
      if ((countDevices.get(identity) as { count: number }).count >= devicesMax) return "full";
      insertDevice.run(identity, deviceId, deviceKey, name, signature, registeredAtMs);
      return "registered";
    },
    removeDevice({ identity, deviceId }): Device | undefined {
      const [row] = deleteDevice.all(identity, deviceId) as DeviceRow[];
      if (row === undefined) return undefined;
      const { deviceKey } = deviceFrom(row);
      deleteTokensOf.run(identity, deviceKey);
      deleteKeyPackages.run(deviceKey);
      deleteHybridKey.run(deviceKey);
      return deviceFrom(row);
    },
  };
}
