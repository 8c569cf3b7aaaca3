/**
 * Stores a batch of appends: one statement when nothing is in its way, else the function that looks first.
 *
 *     at once ----------------------------> stored, or full; of the full ones some may be repeats: one more look
 *        |-- duplicate, conflict, lost --> look first (the same ids) --> stored, duplicate, full
 *        \-- what would make an inbox hold more than one sender's share: look first, for these alone
 *
 * While a whole inbox holds at most a share no sender can hold more, so that nothing need be counted: entries with a
 * sender are stored at once up to there, as if that was the depth. Entries of one call are stored together: when not all
 * of them fit, all look first.
 *
 * A batch whose outcome nobody knows goes the second way until it is known: the ids say what had been stored. What is
 * found stored then is answered as stored, not as a duplicate: it was this call that stored it, and its readers are
 * still to be woken.
 */
import type { Append, Appended } from "../port.ts";
import { senderShareOf } from "../sender-share.ts";
import { AppendBatch } from "./append-batch.ts";
import type { Row, Statement } from "./connector.ts";
import { failureOf } from "./failure.ts";
import type { Link } from "./link.ts";
import { byteaArray, numbersOf, uuidArray } from "./parameters.ts";
import { triesMax } from "./tries.ts";

/**
 * Rows of inbox are locked in ascending order; the counter row gives the seqs, and takes as many messages as the inbox
 * has room for (an inbox without room is not touched). A known id fails with 23505 on dedupe's key. Answers the counters
 * before and after, the keys in hex when they are not those of all inboxes, and the store's epoch.
 * $1 inboxes, $2 counts, $3 keys, $4 places, $5 ids, $6 expiries, $7 payloads, $8 body indexes, $9 bodies, $10 now,
 * $11 depth, $12 senders, $13 whether all must fit. Primary keys only; one message is two inserts, an inbox one update.
 */
const appendAtOnce: Statement = {
  name: "append_at_once",
  text: `
    WITH entry AS MATERIALIZED (
      SELECT * FROM unnest($3::bytea[], $4::int[], $5::uuid[], $6::bigint[], $7::bytea[], $8::int[], $12::bigint[])
        e (key, place, id, expires_at, payload, body_at, sender)
    ), counted AS (
      INSERT INTO inbox AS i (key, last)
      SELECT key, least(added, $11::bigint) FROM unnest($1::bytea[], $2::int[]) c (key, added) ORDER BY key
      ON CONFLICT (key) DO UPDATE
      SET last_before = i.last, last = least(i.last + excluded.last, greatest(i.acked, i.trimmed) + $11::bigint)
      WHERE i.last < greatest(i.acked, i.trimmed) + $11::bigint
      RETURNING key, last_before, last
    ), stored AS MATERIALIZED (
      SELECT e.*, c.last_before + e.place AS seq
      FROM entry e JOIN counted c ON c.key = e.key AND c.last_before + e.place <= c.last
    ), body AS MATERIALIZED (
      SELECT body_at, nextval(pg_get_serial_sequence('shared_payload', 'id')) AS id, count(*) AS refs
      FROM stored WHERE body_at IS NOT NULL GROUP BY body_at
    ), bodies_added AS (
      INSERT INTO shared_payload (id, refs, payload)
      SELECT body.id, body.refs, given.payload
      FROM body JOIN unnest($9::bytea[]) WITH ORDINALITY given (payload, n) ON given.n = body.body_at
    ), ids_added AS (
      INSERT INTO dedupe (inbox_key, message_id, seq, enqueued_at) SELECT key, id, seq, $10::bigint FROM stored
    ), messages_added AS (
      INSERT INTO message (inbox_key, seq, enqueued_at, expires_at, shared_id, payload, sender)
      SELECT s.key, s.seq, $10::bigint, s.expires_at, body.id, s.payload, s.sender
      FROM stored s LEFT JOIN body ON body.body_at = s.body_at
    )
    SELECT array_agg(last_before ORDER BY key), array_agg(last ORDER BY key),
      CASE WHEN count(*) < cardinality($1::bytea[]) THEN array_agg(encode(key, 'hex') ORDER BY key) END,
      (SELECT value FROM meta WHERE name = 'store_epoch'),
      CASE WHEN $13::boolean AND (SELECT count(*) FROM stored) < cardinality($3::bytea[]) THEN look_first() END
    FROM counted`,
};

const appendAfterLook: Statement = {
  name: "append_after_look",
  text: "SELECT append_after_look($1, $2, $3, $4, $5, $6, $7, $8, $9, false, $10, $11)",
};

/** What the function answers for an entry that is over its sender's share. */
const overShare = -9e18;

/** The first seq of each id, 0 if there is none. By the primary key. */
const firstSeqs: Statement = {
  name: "first_seqs",
  text: `
    SELECT array_agg(coalesce(d.seq, 0) ORDER BY e.n)
    FROM unnest($1::bytea[], $2::uuid[]) WITH ORDINALITY e (key, id, n)
    LEFT JOIN LATERAL (SELECT seq FROM dedupe WHERE inbox_key = e.key AND message_id = e.id OFFSET 0) d ON true`,
};

/** What was in the way of storing at once. */
export type LookReason = "duplicate" | "conflict" | "lost";

/** What one statement has committed at `nowMs`. */
export type StoredAppends = {
  readonly storeEpoch: bigint;
  readonly nowMs: number;
  readonly entries: readonly Append[];
  /** undefined: it was not stored. */
  readonly seqs: readonly (number | undefined)[];
};

/** Told of what has been stored at once, before it is answered; answers of which entries the answer says `inTail`. */
export type OnStored = (stored: StoredAppends) => readonly boolean[] | undefined;

export type AppendSettings = {
  readonly nowMs: number;
  readonly queueDepthMax: number;
  /** From the first try on. */
  readonly looksFirst?: boolean;
  /** Told when something was in the way of storing at once. */
  readonly onLook: (reason: LookReason) => void;
  readonly onStored?: OnStored | undefined;
};

/** In the order of the entries. Throws QpqError. */
export async function append(link: Link, batch: AppendBatch, settings: AppendSettings): Promise<Appended[]> {
  let looksFirst = settings.looksFirst === true;
  let isUncertain = false;
  for (let tries = 1; ; tries++) {
    try {
      if (!looksFirst) return await storeAtOnce(link, batch, settings);
      return await storeAfterLook(link, batch, { ...settings, isUncertain });
    } catch (error) {
      const { kind, error: forCaller } = failureOf(error);
      if (kind === "refused" || tries === triesMax) throw forCaller;
      settings.onLook(kind);
      looksFirst = true;
      isUncertain ||= kind === "lost";
    }
  }
}

async function storeAtOnce(link: Link, batch: AppendBatch, settings: AppendSettings): Promise<Appended[]> {
  const { queueDepthMax } = settings;
  const { hasSenders, hasSeveral } = batch;
  const [row] = await link.query(appendAtOnce, [
    batch.inboxArray,
    batch.countArray,
    batch.keyArray,
    batch.placeArray,
    batch.idArray,
    batch.expiryArray,
    batch.payloadArray,
    batch.bodyIndexArray,
    batch.bodyArray,
    settings.nowMs,
    hasSenders ? senderShareOf(queueDepthMax) : queueDepthMax,
    batch.senderArray,
    hasSenders && hasSeveral,
  ]);
  const seqs = seqsOf(batch, row as Row);
  const { nowMs, onStored } = settings;
  const storeEpoch = BigInt((row as Row)[3] as string);
  const inTail = onStored?.({ storeEpoch, nowMs, entries: batch.entries, seqs });
  const answers = seqs.map((seq, i): Appended => {
    if (seq === undefined) return { kind: "full" };
    return inTail?.[i] === true
      ? { kind: "stored", seq: BigInt(seq), inTail: true }
      : { kind: "stored", seq: BigInt(seq) };
  });
  if (hasSenders) await storeAboveShare(link, { batch, answers }, settings);
  else await findRepeats(link, batch.entries, answers);
  return answers;
}

/** What was not stored yet: full, or only above what one sender may hold. Each is a call's only entry. */
async function storeAboveShare(
  link: Link,
  { batch, answers }: { batch: AppendBatch; answers: Appended[] },
  settings: AppendSettings,
): Promise<void> {
  const left = batch.entries.flatMap((entry, i) => (answers[i]?.kind === "full" ? [{ entry, i }] : []));
  if (left.length === 0) return;
  const others = new AppendBatch(left.map(({ entry }) => [entry]));
  for (const [n, appended] of (await append(link, others, { ...settings, looksFirst: true })).entries()) {
    answers[left[n]?.i as number] = appended;
  }
}

/** undefined where the inbox had no room. */
function seqsOf(batch: AppendBatch, [befores, lasts, hexKeys]: Row): (number | undefined)[] {
  // null: not one inbox had room
  const before = numbersOf(befores ?? "{}");
  const last = numbersOf(lasts ?? "{}");
  const hasAll = before.length === batch.inboxes.length;
  const touched = new Map(hasAll ? [] : keysOf(hexKeys).map((key, i) => [key, i]));
  return batch.entries.map(({ inbox }, i) => {
    const at = batch.placeOf(i);
    const row = hasAll ? at.inbox : touched.get(inbox);
    if (row === undefined) return undefined;
    const seq = (before[row] as number) + at.place;
    return seq <= (last[row] as number) ? seq : undefined;
  });
}

function keysOf(hexKeys: string | null | undefined): string[] {
  if (hexKeys === null || hexKeys === undefined) return [];
  return hexKeys
    .slice(1, -1)
    .split(",")
    .map((hex) => Buffer.from(hex, "hex").toString("latin1"));
}

/** A full inbox still answers a repeated message with its first seq. */
async function findRepeats(link: Link, entries: readonly Append[], answers: Appended[]): Promise<void> {
  const asked = entries.flatMap(({ inbox, messageId }, i) =>
    answers[i]?.kind === "full" && messageId !== undefined ? [{ i, inbox, messageId }] : [],
  );
  if (asked.length === 0) return;
  const keys = byteaArray(asked.map(({ inbox }) => inbox));
  const ids = uuidArray(asked.map(({ messageId }) => messageId));
  const [[text] = []] = await link.query(firstSeqs, [keys, ids]);
  for (const [n, seq] of numbersOf(text as string).entries()) {
    if (seq > 0) answers[asked[n]?.i as number] = { kind: "duplicate", seq: BigInt(seq) };
  }
}

async function storeAfterLook(
  link: Link,
  batch: AppendBatch,
  settings: AppendSettings & { readonly isUncertain: boolean },
): Promise<Appended[]> {
  const [[text] = []] = await link.query(appendAfterLook, [
    batch.inboxArray,
    batch.keyArray,
    batch.idArray,
    batch.expiryArray,
    batch.payloadArray,
    batch.bodyIndexArray,
    batch.bodyArray,
    settings.nowMs,
    settings.queueDepthMax,
    batch.senderArray,
    senderShareOf(settings.queueDepthMax),
  ]);
  return numbersOf(text as string).map((seq): Appended => {
    if (seq === 0) return { kind: "full" };
    if (seq === overShare) return { kind: "full", ofSender: true };
    return { kind: seq > 0 || settings.isUncertain ? "stored" : "duplicate", seq: BigInt(Math.abs(seq)) };
  });
}
