/**
 * Removes what is over its life, a bounded number of rows a call. Several front-ends may do it at once: nobody waits for
 * a row that another one holds, it is left for the next call.
 */
import type { Statement } from "./connector.ts";
import type { Link } from "./link.ts";
import { queryRepeatedly } from "./tries.ts";

export type SweepSettings = { readonly nowMs: number; readonly dedupeWindowMs: number; readonly groupLifeMs: number };

type Step = {
  readonly statement: Statement;
  readonly endMs: (settings: SweepSettings) => number;
  /** Of one transaction. */
  readonly rowsAtOnceMax: number;
};

/** Some 20 ms, in which appends to the same inboxes wait. */
const lockingRowsMax = 250;
/** Nobody waits for these: the fewer commits the better, so that they keep up with senders on a busy machine too. */
const looseRowsMax = 2_000;

/** Each takes $1, the most rows, and $2, a time, and answers the number of rows. In this order. */
const steps: readonly Step[] = [
  // by message_by_expiry and inbox_trim_due; migration 1 has the function
  {
    statement: { name: "sweep_messages", text: "SELECT sweep_messages($1, $2)" },
    endMs: ({ nowMs }) => nowMs,
    rowsAtOnceMax: lockingRowsMax,
  },
  deletion("dedupe", {
    key: ["inbox_key", "message_id"],
    // by dedupe_by_age
    over: "enqueued_at < $2 ORDER BY enqueued_at",
    endMs: ({ nowMs, dedupeWindowMs }) => nowMs - dedupeWindowMs,
  }),
  deletion("group_commit", {
    key: ["group_id", "message_id"],
    // by group_commit_by_age
    over: "committed_at < $2 ORDER BY committed_at",
    endMs: ({ nowMs, dedupeWindowMs }) => nowMs - dedupeWindowMs,
  }),
  deletion("mls_group", {
    key: ["group_id"],
    // by mls_group_by_use
    over: "used_at < $2 ORDER BY used_at",
    endMs: ({ nowMs, groupLifeMs }) => nowMs - groupLifeMs,
  }),
  deletion("key_package", {
    key: ["id"],
    // by key_package_by_expiry
    over: "expires_at <= $2 ORDER BY expires_at",
    endMs: ({ nowMs }) => nowMs,
  }),
  // by token_by_expiry
  deletion("token", { key: ["id"], over: "expires_at <= $2 ORDER BY expires_at", endMs: ({ nowMs }) => nowMs }),
  // by endpoint_by_expiry
  deletion("endpoint", {
    key: ["identity"],
    over: "expires_at <= $2 ORDER BY expires_at",
    endMs: ({ nowMs }) => nowMs,
  }),
  // by blob_by_expiry; migration 5 has the functions
  {
    statement: { name: "remove_blobs", text: "SELECT remove_blobs(NULL, $1, $2)" },
    endMs: ({ nowMs }) => nowMs,
    rowsAtOnceMax: lockingRowsMax,
  },
  // of these two the time is not looked at
  {
    statement: { name: "erase", text: "SELECT erase(NULL, $1) WHERE $2::bigint IS NOT NULL" },
    endMs: ({ nowMs }) => nowMs,
    rowsAtOnceMax: lockingRowsMax,
  },
  {
    statement: { name: "sweep_shared_payloads", text: "SELECT sweep_shared_payloads($1) WHERE $2::bigint IS NOT NULL" },
    endMs: ({ nowMs }) => nowMs,
    rowsAtOnceMax: lockingRowsMax,
  },
];

/** Answers how many rows it touched. Each step has a share, so that one that never ends holds up no other. */
export async function sweep(link: Link, rowsMax: number, settings: SweepSettings): Promise<number> {
  let rows = 0;
  const share = Math.ceil(rowsMax / steps.length);
  const unfinished: Step[] = [];
  const carryOut = async (step: Step, most: number): Promise<boolean> => {
    let [left, isMore] = [Math.min(most, rowsMax - rows), true];
    while (isMore && left > 0) {
      const asked = Math.min(step.rowsAtOnceMax, left);
      const values = [asked, step.endMs(settings)];
      const [[count] = []] = await queryRepeatedly(link, { statement: step.statement, values });
      rows += Number(count);
      left -= Number(count);
      isMore = Number(count) === asked;
    }
    return !isMore;
  };
  for (const step of steps) if (!(await carryOut(step, share))) unfinished.push(step);
  for (const step of unfinished) await carryOut(step, rowsMax);
  return rows;
}

type Deletion = { readonly key: readonly string[]; readonly over: string; readonly endMs: Step["endMs"] };

function deletion(table: string, { key, over, endMs }: Deletion): Step {
  const columns = key.join(", ");
  const text = `
    WITH gone AS (
      DELETE FROM ${table} t USING (
        SELECT ${columns} FROM ${table} WHERE ${over} LIMIT $1 FOR UPDATE SKIP LOCKED
      ) due
      WHERE ${key.map((column) => `t.${column} = due.${column}`).join(" AND ")} RETURNING 1
    )
    SELECT count(*) FROM gone`;
  return { statement: { name: `sweep_${table}`, text }, endMs, rowsAtOnceMax: looseRowsMax };
}
