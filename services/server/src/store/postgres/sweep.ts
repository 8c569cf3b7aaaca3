/**
 * Removes what is over its life, a bounded number of rows a call. Several front-ends may do it at once: nobody waits for
 * a row that another one holds, it is left for the next call.
 *
 * A call looks first, with one statement, of which kinds there is something; so a round that removes 2,000 ids is two
 * statements, and one that finds nothing is one.
 */
import type { Statement } from "./connector.ts";
import { type Deletion, deletionOf, lookOf } from "./deletion.ts";
import { type Queries, queryRepeatedly } from "./tries.ts";

export type SweepSettings = { readonly nowMs: number; readonly dedupeWindowMs: number; readonly groupLifeMs: number };

/** Where each kind ends, and where it is looked for: `oldest` from the first row on. */
type Times = Readonly<Record<"now" | "idsEnd" | "groupsEnd" | "idsBegin" | "oldest", number>>;

/** What the look's parameters are. */
const places: Readonly<Record<keyof Times, string>> = {
  now: "$1",
  idsEnd: "$2",
  groupsEnd: "$3",
  idsBegin: "$4",
  oldest: "0",
};

type Step = {
  /** Takes $1, the most rows, and what `values` says; answers the number of rows, and perhaps the last one's time. */
  readonly statement: Statement;
  readonly values: (times: Times) => readonly number[];
  /** An expression of `places`: true if there is something. */
  readonly look: string;
  /** Of one transaction. */
  readonly rowsAtOnceMax: number;
};

/** Some 20 ms, in which appends to the same inboxes wait. */
const lockingRowsMax = 250;
/** Nobody waits for these: the fewer commits the better, so that they keep up with senders on a busy machine too. */
const looseRowsMax = 2_000;

/** By dedupe_by_age. Migration 1 has made the partitions. */
const ids = removal(
  {
    table: "dedupe",
    by: "enqueued_at",
    atEnd: "stays",
    partitions: Array.from({ length: 8 }, (_, n) => `dedupe_${n}`),
  },
  { begin: "idsBegin", end: "idsEnd" },
);

/** In this order. */
const steps: readonly Step[] = [
  // by message_by_expiry and inbox_trim_due; migration 1 has the function
  {
    statement: { name: "sweep_messages", text: "SELECT sweep_messages($1, $2)" },
    values: ({ now }) => [now],
    look: `coalesce(
      (SELECT true FROM message WHERE expires_at <= ${places.now}::bigint ORDER BY expires_at LIMIT 1),
      (SELECT true FROM inbox WHERE trim_due ORDER BY key LIMIT 1))`,
    rowsAtOnceMax: lockingRowsMax,
  },
  ids,
  // by group_commit_by_age
  removal({ table: "group_commit", by: "committed_at", atEnd: "stays" }, { end: "idsEnd" }),
  // by mls_group_by_use
  removal({ table: "mls_group", by: "used_at", atEnd: "stays" }, { end: "groupsEnd" }),
  // by key_package_by_expiry, token_by_expiry and endpoint_by_expiry
  ...["key_package", "token", "endpoint"].map((table) =>
    removal({ table, by: "expires_at", atEnd: "goes" }, { end: "now" }),
  ),
  // by blob_by_expiry; migration 5 has the functions
  {
    statement: { name: "remove_blobs", text: "SELECT remove_blobs(NULL, $1, $2)" },
    values: ({ now }) => [now],
    look: `(SELECT true FROM blob WHERE expires_at <= ${places.now}::bigint ORDER BY expires_at LIMIT 1)`,
    rowsAtOnceMax: lockingRowsMax,
  },
  {
    statement: { name: "erase", text: "SELECT erase(NULL, $1)" },
    values: () => [],
    look: "(SELECT true FROM erasure LIMIT 1)",
    rowsAtOnceMax: lockingRowsMax,
  },
  {
    statement: { name: "sweep_shared_payloads", text: "SELECT sweep_shared_payloads($1)" },
    values: () => [],
    look: "(SELECT true FROM shared_payload_release LIMIT 1)",
    rowsAtOnceMax: lockingRowsMax,
  },
];

const look: Statement = { name: "sweep_look", text: `SELECT ${steps.map((step) => step.look).join(", ")}` };

/**
 * Ids are looked for from where the last ones went: what stands in the index before it has gone, and waits for the
 * vacuum, a fifth of all ids at times. To pass over 1,000,000 of them takes 200 ms the first time, and then 10 ms at each
 * statement. So often the look goes back, ...
 */
const backEveryMs = 600_000;
/**
 * ... by so much: ids come to stand there when their append waited for the database longer than the dedupe window, or
 * when another sweep had locked them and was cut off.
 */
const backMs = 1_200_000;

/** One of each front-end. Its first look is from the oldest id on. */
export class Sweep {
  #idsBeginMs = 0;
  #wentBackMs = Number.NEGATIVE_INFINITY;

  /** Answers how many rows it touched. Each step has a share, so that one that never ends holds up no other. */
  async sweep(link: Queries, rowsMax: number, settings: SweepSettings): Promise<number> {
    let rows = 0;
    // again: what goes may leave something to another step
    for (let touched = 1; touched > 0 && rows < rowsMax; rows += touched) {
      const due = await this.#look(link, settings);
      touched = await this.#carryOut(link, { due, rowsMax: rowsMax - rows, settings });
    }
    return rows;
  }

  async #look(link: Queries, settings: SweepSettings): Promise<Step[]> {
    this.#goBack(settings);
    const times = this.#timesOf(settings);
    const values = [times.now, times.idsEnd, times.groupsEnd, times.idsBegin];
    const [found = []] = await queryRepeatedly(link, { statement: look, values });
    const due = steps.filter((_, i) => found[i] === "t");
    if (!due.includes(ids)) this.#idsBeginMs = times.idsEnd;
    return due;
  }

  async #carryOut(
    link: Queries,
    { due, rowsMax, settings }: { due: readonly Step[]; rowsMax: number; settings: SweepSettings },
  ): Promise<number> {
    let rows = 0;
    const unfinished: Step[] = [];
    const run = async (step: Step, most: number): Promise<boolean> => {
      let [left, isMore] = [Math.min(most, rowsMax - rows), true];
      while (isMore && left > 0) {
        const asked = Math.min(step.rowsAtOnceMax, left);
        const times = this.#timesOf(settings);
        const values = [asked, ...step.values(times)];
        const [[count, lastMs] = []] = await queryRepeatedly(link, { statement: step.statement, values });
        rows += Number(count);
        left -= Number(count);
        isMore = Number(count) === asked;
        if (step === ids) this.#idsBeginMs = isMore ? Number(lastMs) : times.idsEnd;
      }
      return !isMore;
    };
    const share = Math.ceil(rowsMax / due.length);
    for (const step of due) if (!(await run(step, share))) unfinished.push(step);
    for (const step of unfinished) await run(step, rowsMax);
    return rows;
  }

  #goBack({ nowMs, dedupeWindowMs }: SweepSettings): void {
    // also when the clock was set back
    if (nowMs >= this.#wentBackMs && nowMs < this.#wentBackMs + backEveryMs) return;
    this.#wentBackMs = nowMs;
    this.#idsBeginMs = Math.max(0, Math.min(this.#idsBeginMs, nowMs - dedupeWindowMs) - backMs);
  }

  #timesOf({ nowMs, dedupeWindowMs, groupLifeMs }: SweepSettings): Times {
    return {
      now: nowMs,
      idsEnd: nowMs - dedupeWindowMs,
      groupsEnd: nowMs - groupLifeMs,
      idsBegin: this.#idsBeginMs,
      oldest: 0,
    };
  }
}

function removal(
  deletion: Deletion,
  { begin = "oldest", end }: { readonly begin?: keyof Times; readonly end: keyof Times },
): Step {
  return {
    statement: deletionOf(deletion),
    values: (times) => [times[end], times[begin]],
    look: lookOf(deletion, { begin: places[begin], end: places[end] }),
    rowsAtOnceMax: looseRowsMax,
  };
}
