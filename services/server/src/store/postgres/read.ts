/**
 * Reads many inboxes with one statement, in one snapshot of the host that takes writes: a standby may lack what was
 * acknowledged a moment ago.
 *
 * An answer within a batch holds at most `bytesOfOneMax`, so that a batch stays small; a read that would get more is
 * marked as cut, and has to be made alone.
 */
import type { Gap, ReadAnswer, ReadQuery, StoredMessage } from "../port.ts";
import type { Row, Statement } from "./connector.ts";
import type { Link } from "./link.ts";
import { byteaArray, bytesOf, int4Array, int8Array } from "./parameters.ts";
import { queryRepeatedly } from "./tries.ts";

/**
 * For each query one walk down inbox's key and one along message's (inbox_key, seq), shared_payload by its key. Payloads
 * whose life is over, or that the answer has no room for, are not even loaded. `is_cut`: there is more within the
 * query's own bounds.
 * $1 inboxes, $2 cursors, $3 their epochs, $4 limits, $5 most bytes, $6 most bytes in this answer, $7 now.
 */
const readStatement: Statement = {
  name: "read",
  text: `
    SELECT q.n, e.value, i.acked, i.trimmed, m.seq, m.enqueued_at, m.is_overflow, m.payload, m.is_cut
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[])
      WITH ORDINALITY q (key, cursor, epoch, messages_max, bytes_max, n)
    CROSS JOIN (SELECT value FROM meta WHERE name = 'store_epoch') e
    LEFT JOIN LATERAL (
      SELECT acked, trimmed,
        greatest(acked, trimmed, CASE WHEN q.epoch IN (0, e.value) THEN q.cursor END) AS start
      FROM inbox WHERE key = q.key OFFSET 0
    ) i ON true
    LEFT JOIN LATERAL (
      SELECT seq, enqueued_at, is_overflow, CASE WHEN total <= $6::bigint THEN payload END AS payload,
        total > $6::bigint OR next_total <= q.bytes_max AND next_total > $6::bigint AS is_cut
      FROM (
        SELECT seq, enqueued_at, is_overflow, payload, total, lead(total) OVER (ORDER BY seq) AS next_total,
          -- of marks and of messages: one message is answered however large it is, also behind a mark
          row_number() OVER (PARTITION BY is_overflow ORDER BY seq) AS nth
        FROM (
          SELECT *, sum(coalesce(octet_length(payload), 0)) OVER (ORDER BY seq) AS total
          FROM (
            SELECT m.seq, m.enqueued_at, m.is_overflow,
              CASE WHEN m.expires_at > $7::bigint THEN coalesce(m.payload, s.payload) END AS payload
            FROM message m LEFT JOIN shared_payload s ON s.id = m.shared_id
            WHERE m.inbox_key = q.key AND m.seq > i.start ORDER BY m.seq LIMIT q.messages_max
          ) standing
        ) summed
      ) numbered
      WHERE nth = 1 OR total <= least(q.bytes_max, $6::bigint)
    ) m ON true`,
};

/** A batch of 250 is 16 MiB at most, where most inboxes have nothing. */
export const bytesOfOneMax = 64 * 1024;

export type ReadSettings = { readonly nowMs: number; readonly bytesOfOneMax: number };

/** In the order of the queries; undefined where the answer would be cut. */
export async function read(
  link: Link,
  queries: readonly ReadQuery[],
  settings: ReadSettings,
): Promise<(ReadAnswer | undefined)[]> {
  const rows = await queryRepeatedly(link, {
    statement: readStatement,
    values: [
      byteaArray(queries.map(({ inbox }) => inbox)),
      int8Array(queries.map(({ after }) => after)),
      int8Array(queries.map(({ storeEpoch }) => storeEpoch)),
      int4Array(queries.map(({ limit }) => Math.max(1, limit))),
      int8Array(queries.map(({ bytesMax }) => bytesMax)),
      settings.bytesOfOneMax,
      settings.nowMs,
    ],
  });
  const rowsOf: Row[][] = queries.map(() => []);
  for (const row of rows) rowsOf[Number(row[0]) - 1]?.push(row);
  return queries.map((query, i) => answerOf(query, rowsOf[i] as Row[]));
}

function answerOf(query: ReadQuery, rows: readonly Row[]): ReadAnswer | undefined {
  const [, epoch, ackedText, trimmedText] = rows[0] as Row;
  const storeEpoch = BigInt(epoch as string);
  const isOtherEpoch = query.storeEpoch !== 0n && query.storeEpoch !== storeEpoch;
  // null: an unknown inbox
  const acked = BigInt(ackedText ?? 0);
  const trimmed = BigInt(trimmedText ?? 0);
  const after = isOtherEpoch || query.after < acked ? acked : query.after;
  let gap: Gap = { kind: "none", upTo: acked };
  if (trimmed > after) gap = { kind: "expired", upTo: trimmed };
  if (isOtherEpoch) gap = { kind: "epochReset", upTo: trimmed > acked ? trimmed : acked };
  const found = messagesOf(rows);
  if (found === undefined) return undefined;
  if (found.lostUpTo !== undefined) gap = { kind: gap.kind === "none" ? "overflow" : gap.kind, upTo: found.lostUpTo };
  return { messages: found.messages, gap, storeEpoch };
}

/** undefined when cut; lostUpTo: the seq of the mark that the answer begins with. */
function messagesOf(rows: readonly Row[]): { messages: StoredMessage[]; lostUpTo: bigint | undefined } | undefined {
  const messages: StoredMessage[] = [];
  let lostUpTo: bigint | undefined;
  const ordered = rows.filter(([, , , , seq]) => seq !== null).sort((a, b) => Number(a[4]) - Number(b[4]));
  for (const [, , , , seq, enqueuedAt, isOverflow, payload, isCut] of ordered) {
    if (isOverflow === "t") {
      if (messages.length > 0) break; // the next answer begins with it
      lostUpTo = BigInt(seq as string);
    } else {
      const expired = payload === null || payload === undefined;
      messages.push({
        seq: BigInt(seq as string),
        payload: expired ? new Uint8Array(0) : bytesOf(payload),
        enqueuedAtMs: Number(enqueuedAt),
        expired,
      });
    }
    if (isCut === "t") return undefined;
  }
  return { messages, lostUpTo };
}
