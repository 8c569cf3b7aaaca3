/** A database with so many inboxes and a message waiting in each, as enqueue would have made them; filled by SQL. */
import { hash } from "node:crypto";
import type { TestDatabase, TestPostgres } from "quicproquo-server/testing/postgres";
import { type ChannelId, type InboxKey, inboxKeyOf, parseIdentityKey } from "quicproquo-proto";
import { payloadBytes } from "../workload.ts";

const lifeMs = 7 * 86_400_000;
const noChannel = new Uint8Array() as ChannelId;

/** The key of the nth inbox: in SQL, and below. */
const keys = (count: number): string =>
  `SELECT sha256(('inbox ' || n)::bytea) AS key FROM generate_series(0, ${count - 1}) n`;

export function inboxOf(n: number): InboxKey {
  return inboxKeyOf(parseIdentityKey(hash("sha256", `inbox ${n}`, "buffer")), noChannel);
}

export async function fillDatabase(postgres: TestPostgres, inboxes: number): Promise<TestDatabase> {
  const database = await postgres.createDatabase();
  const nowMs = Date.now();
  await database.query(`INSERT INTO inbox (key, last) SELECT key, 1 FROM (${keys(inboxes)}) k`);
  await database.query(`
    INSERT INTO message (inbox_key, seq, enqueued_at, expires_at, payload)
    SELECT key, 1, ${nowMs}, ${nowMs + lifeMs}, decode(repeat('07', ${payloadBytes}), 'hex') FROM (${keys(inboxes)}) k`);
  await database.query(`
    INSERT INTO dedupe (inbox_key, message_id, seq, enqueued_at)
    SELECT key, gen_random_uuid(), 1, ${nowMs} FROM (${keys(inboxes)}) k`);
  // what would be done in the background by and by, and would be part of a measurement
  await database.query("VACUUM (ANALYZE)");
  return database;
}

const tables = ["inbox", "message", "dedupe"] as const;

/** With its share of the indexes. */
export async function bytesPerRow(database: TestDatabase, rows: number): Promise<Readonly<Record<string, number>>> {
  const bytes: Record<string, number> = {};
  for (const table of tables) {
    const [row] = await database.query(
      `SELECT sum(pg_total_relation_size(relid))::float8 AS bytes FROM pg_partition_tree('${table}')`,
    );
    bytes[table] = Number(row?.["bytes"]) / rows;
  }
  return bytes;
}
