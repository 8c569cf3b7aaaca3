/** Which of many inboxes have something behind a cursor: what the safety sweep of parked readers asks. */
import type { InboxKey } from "quicproquo-proto";
import type { Cursor } from "../port.ts";
import type { Statement } from "./connector.ts";
import type { Link } from "./link.ts";
import { byteaArray, int8Array, numbersOf } from "./parameters.ts";
import { queryRepeatedly } from "./tries.ts";

/** Inboxes of one statement: about 4 ms of the server's time. */
export const cursorsMax = 1_000;

/** A walk down inbox's key for each; no message is looked at. */
const readHeadsStatement: Statement = {
  name: "read_heads",
  text: `
    SELECT array_agg(q.n ORDER BY q.n) FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) WITH ORDINALITY q (key, cursor, epoch, n)
    CROSS JOIN (SELECT value FROM meta WHERE name = 'store_epoch') e
    CROSS JOIN LATERAL (SELECT acked, last FROM inbox WHERE key = q.key OFFSET 0) i
    WHERE i.last > greatest(i.acked, CASE WHEN q.epoch IN (0, e.value) THEN q.cursor END)`,
};

/** In the order asked for. */
export async function readHeads(link: Link, cursors: readonly Cursor[]): Promise<InboxKey[]> {
  const values = [
    byteaArray(cursors.map(({ inbox }) => inbox)),
    int8Array(cursors.map(({ after }) => after)),
    int8Array(cursors.map(({ storeEpoch }) => storeEpoch)),
  ];
  const [[numbers] = []] = await queryRepeatedly(link, { statement: readHeadsStatement, values });
  return numbersOf(numbers ?? "{}").map((n) => (cursors[n - 1] as Cursor).inbox);
}
