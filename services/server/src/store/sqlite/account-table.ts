/** Accounts in qpq.db, and what is kept for each beside tokens and devices. Writing thread only, in its transaction. */
import type { DatabaseSync } from "node:sqlite";
import type { WriteCall } from "./protocol.ts";
import type { Handlers } from "./serve.ts";

type Writes = Pick<
  Handlers<WriteCall>,
  "putAccount" | "setDisabled" | "putEndpoint" | "putDeliveryToken" | "setBlocked" | "createChannel"
>;

/** One row by a primary key or unique index each, but for the count of an owner's blocks. */
export function accountWrites(db: DatabaseSync): Writes {
  const selectIdentity = db.prepare("SELECT identity FROM account WHERE username = ?");
  const isTaken = db.prepare(`
    SELECT 1 WHERE EXISTS (SELECT 1 FROM account WHERE identity = ?1)
      OR EXISTS (SELECT 1 FROM device WHERE device_key = ?1) OR EXISTS (SELECT 1 FROM erasure WHERE key = ?1)`);
  const insert = db.prepare(`
    INSERT INTO account (username, identity, record, stretching, created_at) VALUES (?, ?, ?, ?, ?)`);
  const replace = db.prepare("UPDATE account SET record = ?, stretching = ? WHERE username = ?");
  const disable = db.prepare("UPDATE account SET disabled = ? WHERE username = ?");
  const putEndpoint = db.prepare(`
    INSERT INTO endpoint (identity, endpoint, expires_at) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET endpoint = excluded.endpoint, expires_at = excluded.expires_at`);
  const putDeliveryToken = db.prepare(`
    INSERT INTO delivery_token (identity, hash) VALUES (?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash`);
  const deleteDeliveryToken = db.prepare("DELETE FROM delivery_token WHERE identity = ?");
  const hasBlock = db.prepare("SELECT 1 FROM block WHERE owner = ? AND sender = ?");
  const countBlocks = db.prepare("SELECT count(*) AS count FROM block WHERE owner = ?");
  const insertBlock = db.prepare("INSERT INTO block (owner, sender) VALUES (?, ?)");
  const deleteBlock = db.prepare("DELETE FROM block WHERE owner = ? AND sender = ?");
  const selectChannel = db.prepare("SELECT id FROM channel WHERE one = ? AND other = ?");
  const insertChannel = db.prepare("INSERT INTO channel (id, one, other) VALUES (?, ?, ?)");

  return {
    putAccount({ username, identity, record, stretching, createdAtMs }) {
      const known = selectIdentity.get(username) as { identity: Uint8Array } | undefined;
      if (known === undefined) {
        if (isTaken.get(identity) !== undefined) return "identityTaken";
        insert.run(username, identity, record, stretching, createdAtMs);
        return "created";
      }
      if (Buffer.compare(known.identity, identity) !== 0) return "usernameTaken";
      replace.run(record, stretching, username);
      return "replaced";
    },
    setDisabled: ({ username, disabled }) => disable.run(disabled ? 1 : 0, username).changes === 1,
    putEndpoint: ({ identity, endpoint, expiresAtMs }) => void putEndpoint.run(identity, endpoint, expiresAtMs),
    putDeliveryToken({ identity, tokenHash }) {
      if (tokenHash === undefined) deleteDeliveryToken.run(identity);
      else putDeliveryToken.run(identity, tokenHash);
    },
    setBlocked({ owner, sender, blocked, blocksMax }) {
      if (!blocked) deleteBlock.run(owner, sender);
      else if (hasBlock.get(owner, sender) === undefined) {
        if ((countBlocks.get(owner) as { count: number }).count >= blocksMax) return false;
        insertBlock.run(owner, sender);
      }
      return true;
    },
    createChannel({ a, b, newId }) {
      const [one, other] = Buffer.compare(a, b) < 0 ? [a, b] : [b, a];
      const known = selectChannel.get(one, other) as { id: Uint8Array } | undefined;
      if (known !== undefined) return { channelId: known.id, wasNew: Buffer.compare(known.id, newId) === 0 };
      insertChannel.run(newId, one, other);
      return { channelId: newId, wasNew: true };
    },
  };
}
