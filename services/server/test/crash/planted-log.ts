/**
 * A log that many have built: seqs from a counter in Redis, rows in Postgres, a reader's cursor over them. Who took the
 * lower seq may commit later, so readers see holes, and what comes behind them is passed over; a counter that is flushed
 * begins again below them.
 */
import { Redis } from "ioredis";
import { Pool } from "pg";
import type { InboxKey } from "quicproquo-proto";
import type { Append, Appended, MessageLog, ReadAnswer, ReadQuery } from "../../src/store/port.ts";

const storeEpoch = 1n;

export async function countSeqsInRedis(env: NodeJS.ProcessEnv): Promise<Pick<MessageLog, "append" | "read" | "ack">> {
  const redis = new Redis(env["QPQ_REDIS_URL"] ?? "");
  redis.on("error", () => undefined);
  const [, user, host, port, database] =
    /^postgres:\/\/(\w+)@([\d.]+):(\d+)[^/]*\/(\w+)/.exec(env["QPQ_DATABASE_URL"] ?? "") ?? [];
  const pool = new Pool({ user, host, port: Number(port), database, max: 8 });
  await pool
    .query(
      "CREATE TABLE IF NOT EXISTS planted (inbox bytea, seq bigint, payload bytea); CREATE TABLE IF NOT EXISTS planted_acked (inbox bytea PRIMARY KEY, seq bigint)",
    )
    .catch(() => undefined); // the other front-end was quicker
  const keyOf = (inbox: InboxKey): Buffer => Buffer.from(inbox, "latin1");
  return {
    async append({ inbox, payload }: Append): Promise<Appended> {
      const seq = BigInt(await redis.incr(`seq:${keyOf(inbox).toString("hex")}`));
      await pool.query("INSERT INTO planted VALUES ($1, $2, $3)", [keyOf(inbox), seq, Buffer.from(payload)]);
      return { kind: "stored", seq };
    },
    async read({ inbox, after, limit }: ReadQuery): Promise<ReadAnswer> {
      const { rows } = await pool.query<{ seq: string; payload: Buffer }>(
        `SELECT seq, payload FROM planted WHERE inbox = $1 AND seq > $2
           AND seq > coalesce((SELECT seq FROM planted_acked WHERE inbox = $1), 0) ORDER BY seq LIMIT $3`,
        [keyOf(inbox), after, limit],
      );
      const messages = rows.map(({ seq, payload }) => ({
        seq: BigInt(seq),
        payload: Uint8Array.from(payload),
        enqueuedAtMs: 0,
        expired: false,
      }));
      return { messages, gap: { kind: "none", upTo: 0n }, storeEpoch };
    },
    async ack(inbox: InboxKey, upTo: bigint): Promise<boolean> {
      await pool.query(
        "INSERT INTO planted_acked VALUES ($1, $2) ON CONFLICT (inbox) DO UPDATE SET seq = greatest(planted_acked.seq, excluded.seq)",
        [keyOf(inbox), upTo],
      );
      return true;
    },
  };
}
