/** Reads messages from qpq.db, in the snapshot of the reading thread's transaction. It changes nothing. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Gap, ReadAnswer, ReadQuery, StoredMessage } from "../port.ts";

const noPayload = new Uint8Array(0);

/** Read anew each time: the counters that the writing thread caches are ahead of its last commit. */
type InboxRow = { id: number; acked: number; trimmed: number };
type MessageRow = { seq: number; enqueued_at: number; is_overflow: number | null; payload: Uint8Array | null };

export class MessageReader {
  readonly #storeEpoch: bigint;
  readonly #selectInbox: StatementSync;
  readonly #selectMessages: StatementSync;

  constructor(db: DatabaseSync, storeEpoch: bigint) {
    this.#storeEpoch = storeEpoch;
    this.#selectInbox = db.prepare("SELECT id, acked, trimmed FROM inbox WHERE key = ?");
    // Range of message_by_place; a payload whose life is over is not even loaded.
    this.#selectMessages = db.prepare(`
      SELECT m.seq, m.enqueued_at, m.is_overflow, CASE WHEN m.expires_at > ? THEN coalesce(m.payload, s.payload) END AS payload
      FROM message m LEFT JOIN shared_payload s ON s.id = m.shared_id
      WHERE m.inbox_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?`);
  }

  read(query: ReadQuery, nowMs: number): ReadAnswer {
    const storeEpoch = this.#storeEpoch;
    const isOtherEpoch = query.storeEpoch !== 0n && query.storeEpoch !== storeEpoch;
    const inbox = this.#selectInbox.get(Buffer.from(query.inbox, "latin1")) as InboxRow | undefined;
    if (inbox === undefined) {
      return { messages: [], gap: { kind: isOtherEpoch ? "epochReset" : "none", upTo: 0n }, storeEpoch };
    }
    const after = Math.max(inbox.acked, isOtherEpoch ? 0 : Number(query.after));
    const start = Math.max(after, inbox.trimmed);
    let gap: Gap = { kind: "none", upTo: BigInt(inbox.acked) };
    if (inbox.trimmed > after) gap = { kind: "expired", upTo: BigInt(inbox.trimmed) };
    if (isOtherEpoch) gap = { kind: "epochReset", upTo: BigInt(start) };
    const { messages, lostUpTo } = this.#messagesAfter(inbox.id, start, { query, nowMs });
    if (lostUpTo !== undefined) {
      gap = { kind: gap.kind === "none" ? "overflow" : gap.kind, upTo: BigInt(lostUpTo) };
    }
    return { messages, gap, storeEpoch };
  }

  #messagesAfter(
    inboxId: number,
    start: number,
    options: { query: ReadQuery; nowMs: number },
  ): {
    messages: StoredMessage[];
    /** The seq of the mark that the answer begins with: the reader is told of it before the messages behind it. */
    lostUpTo: number | undefined;
  } {
    const { query, nowMs } = options;
    const limit = Math.max(1, query.limit);
    const messages: StoredMessage[] = [];
    let bytes = 0;
    let lostUpTo: number | undefined;
    for (const row of this.#selectMessages.iterate(nowMs, inboxId, start, limit) as Iterable<MessageRow>) {
      if (row.is_overflow !== null) {
        if (messages.length > 0) break; // the next answer begins with it
        lostUpTo = row.seq;
        continue;
      }
      const payload = row.payload ?? noPayload;
      bytes += payload.length;
      if (messages.length > 0 && bytes > query.bytesMax) break;
      messages.push({ seq: BigInt(row.seq), payload, enqueuedAtMs: row.enqueued_at, expired: row.payload === null });
    }
    return { messages, lostUpTo };
  }
}
