/**
 * The statements that find and remove the oldest rows of a table which are over their life. Rows that somebody holds are
 * passed over.
 *
 * Rows are removed by their place (ctid). Joined with the table again by its key, they made the planner, which does not
 * know how many there will be, read the whole table as soon as it was large: with 1,000,000 ids that was 290 us a row
 * that went, and it is 2.
 */
import type { Statement } from "./connector.ts";

export type Deletion = {
  readonly table: string;
  /** Has an index. */
  readonly by: string;
  /** Whether a row goes when its time is the end itself. */
  readonly atEnd: "goes" | "stays";
  /** Default: the table is not partitioned. */
  readonly partitions?: readonly string[];
};

/**
 * $1 the most rows, $2 the end, $3 where to begin; answers how many rows went, and the time of the last one. A row is
 * locked where it stands, so that its place holds until it is removed; one that was changed meanwhile is left for the
 * next call.
 */
export function deletionOf({ table, partitions = [table], ...deletion }: Deletion): Statement {
  const removals = partitions.map(
    (partition) => `${partition}_gone AS (
      DELETE FROM ${partition} WHERE ctid = ANY (ARRAY(SELECT place FROM due WHERE part = '${partition}'::regclass))
    )`,
  );
  const text = `
    WITH due AS MATERIALIZED (
      SELECT tableoid AS part, ctid AS place, ${deletion.by} AS time
      FROM ${table} WHERE ${conditionOf(deletion, { begin: "$3", end: "$2" })} ORDER BY ${deletion.by} LIMIT $1
      FOR UPDATE SKIP LOCKED
    ), ${removals.join(", ")}
    SELECT count(*), max(time) FROM due`;
  return { name: `sweep_${table}`, text };
}

/** Numbers, or parameters. */
type Bounds = { readonly begin: string; readonly end: string };

/** An expression: true when there is a row, else null. ORDER BY chooses the index. */
export function lookOf(deletion: Deletion, bounds: Bounds): string {
  const { table, by } = deletion;
  return `(SELECT true FROM ${table} WHERE ${conditionOf(deletion, bounds)} ORDER BY ${by} LIMIT 1)`;
}

function conditionOf({ by, atEnd }: Pick<Deletion, "by" | "atEnd">, { begin, end }: Bounds): string {
  return `${by} >= ${begin}::bigint AND ${by} ${atEnd === "goes" ? "<=" : "<"} ${end}::bigint`;
}
