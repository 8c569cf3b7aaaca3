/** Append and ack on qpq.db. Writing thread only, inside the batch's transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Append, Appended } from "../port.ts";
import { isRefused, senderShareOf, senderTagOf } from "../sender-share.ts";
import type { DedupeTable } from "./dedupe-table.ts";
import { baseOf, type Inbox, type InboxTable } from "./inbox-table.ts";
import type { AckRequest } from "../packing/codec.ts";

/** Smaller payloads are cheaper copied than referred to: the row of shared_payload costs about as much as it saves. */
const sharedPayloadBytesMin = 256;

export type MessageTableParts = {
  readonly inboxes: InboxTable;
  readonly dedupe: DedupeTable;
  readonly storeEpoch: bigint;
  readonly queueDepthMax: number;
};

export class MessageTable {
  readonly #parts: MessageTableParts;
  readonly #insert: StatementSync;
  readonly #insertShared: StatementSync;
  readonly #countShared: StatementSync;
  readonly #deleteUpTo: StatementSync;
  readonly #noteTombstoneHead: StatementSync;
  readonly #insertOverflow: StatementSync;
  readonly #countShare: StatementSync;
  readonly #isMark: StatementSync;
  readonly #senderShareMax: number;

  constructor(db: DatabaseSync, parts: MessageTableParts) {
    this.#parts = parts;
    this.#insert = db.prepare(`
      INSERT INTO message (inbox_id, seq, enqueued_at, expires_at, shared_id, payload, sender)
      VALUES (?, ?, ?, ?, ?, ?, ?)`);
    this.#insertShared = db.prepare("INSERT INTO shared_payload (refs, payload) VALUES (0, ?)");
    this.#countShared = db.prepare("UPDATE shared_payload SET refs = refs + 1 WHERE id = ?");
    this.#deleteUpTo = db.prepare("DELETE FROM message WHERE inbox_id = ? AND seq <= ?");
    this.#noteTombstoneHead = db.prepare(`
      INSERT INTO trim_due (inbox_id)
      SELECT inbox_id FROM message WHERE inbox_id = ? AND seq = ? AND expires_at IS NULL
      ON CONFLICT DO NOTHING`);
    this.#senderShareMax = senderShareOf(parts.queueDepthMax);
    // by message_by_place alone, at most the depth
    this.#countShare = db.prepare(
      "SELECT count(*) AS count FROM message WHERE inbox_id = ? AND seq > ? AND sender = ?",
    );
    this.#isMark = db.prepare("SELECT 1 FROM message WHERE inbox_id = ? AND seq = ? AND is_overflow = 1");
    this.#insertOverflow = db.prepare(
      "INSERT INTO message (inbox_id, seq, enqueued_at, expires_at, is_overflow) VALUES (?, ?, ?, ?, 1)",
    );
  }

  append(entries: readonly Append[], nowMs: number): readonly Appended[] {
    const shared = sharedPayloadsOf(entries);
    return entries.map((entry) => this.#appendOne(entry, nowMs, shared));
  }

  /** As append, but a full inbox keeps a mark in the message's place, at most one after the other, and answers 0. */
  appendOrMark(entries: readonly Append[], nowMs: number): readonly bigint[] {
    return this.append(entries, nowMs).map((appended, i) => {
      if (appended.kind !== "full") return appended.seq;
      this.#markOverflow(entries[i] as Append, nowMs);
      return 0n;
    });
  }

  /**
   * The mark has a seq, so a reader meets it in its order. It comes on top of the depth: one, however many are lost. It
   * has the lost message's life: one that stayed would keep all behind it from being trimmed, and the inbox full for good.
   * Of a full share one stands until something else follows it: a sender fills no inbox with marks.
   */
  #markOverflow({ inbox: key, expiresAtMs, sender }: Append, nowMs: number): void {
    const inbox = this.#parts.inboxes.findOrMake(key);
    const isOverShare = sender !== undefined && this.#isShareFull(inbox, senderTagOf(sender));
    if (isOverShare && this.#isMark.get(inbox.id, inbox.last) !== undefined) return;
    if (inbox.last - baseOf(inbox) > this.#parts.queueDepthMax) return;
    inbox.last++;
    this.#insertOverflow.run(inbox.id, inbox.last, nowMs, expiresAtMs);
  }

  #appendOne(entry: Append, nowMs: number, shared: Map<Uint8Array, number | undefined>): Appended {
    const inbox = this.#parts.inboxes.findOrMake(entry.inbox);
    const seq = inbox.last + 1;
    const isFull = inbox.last - baseOf(inbox) >= this.#parts.queueDepthMax;
    const sender = entry.sender === undefined ? null : senderTagOf(entry.sender);
    const isShareFull = !isFull && sender !== null && this.#isShareFull(inbox, sender);
    // A full inbox still answers a repeated message with its first seq, but must not claim the id of a new one.
    const { messageId } = entry;
    let first: number | undefined;
    if (messageId !== undefined) {
      first =
        isFull || isShareFull
          ? this.#parts.dedupe.find(inbox, messageId)
          : this.#parts.dedupe.claim({ inbox, messageId, seq }, nowMs);
    }
    if (first !== undefined) return { kind: "duplicate", seq: BigInt(first) };
    if (isShareFull) return { kind: "full", ofSender: true };
    if (isFull) return { kind: "full" };
    const sharedId = shared.has(entry.payload) ? this.#share(entry.payload, shared) : null;
    this.#insert.run(
      inbox.id,
      seq,
      nowMs,
      entry.expiresAtMs,
      sharedId,
      sharedId === null ? entry.payload : null,
      sender,
    );
    inbox.last = seq;
    return { kind: "stored", seq: BigInt(seq) };
  }

  /** As long as the whole inbox holds less than a share, nobody can, and nothing is counted. */
  #isShareFull(inbox: Inbox, sender: Uint8Array): boolean {
    if (isRefused(sender)) return true;
    const base = baseOf(inbox);
    if (inbox.last - base < this.#senderShareMax) return false;
    return (this.#countShare.get(inbox.id, base, sender) as { count: number }).count >= this.#senderShareMax;
  }

  /** Stored with the first entry that needs it, so that a fan-out into full inboxes only leaves nothing behind. */
  #share(payload: Uint8Array, shared: Map<Uint8Array, number | undefined>): number {
    const id = shared.get(payload) ?? Number(this.#insertShared.run(payload).lastInsertRowid);
    shared.set(payload, id);
    this.#countShared.run(id);
    return id;
  }

  ack({ inbox: key, upTo, storeEpoch }: AckRequest): boolean {
    if (storeEpoch !== 0n && storeEpoch !== this.#parts.storeEpoch) return false;
    const inbox = this.#parts.inboxes.find(key);
    if (inbox === undefined) return true;
    const target = Math.min(Number(upTo), inbox.last);
    if (target <= inbox.acked) return true;
    inbox.acked = target;
    this.#parts.inboxes.save(inbox);
    this.#deleteUpTo.run(inbox.id, target);
    this.noteTombstoneHead(inbox);
    return true;
  }

  /** Tells the sweep when the oldest message that stands is a tombstone. */
  noteTombstoneHead(inbox: Inbox): void {
    const head = baseOf(inbox) + 1;
    if (head <= inbox.last) this.#noteTombstoneHead.run(inbox.id, head);
  }
}

/** The payloads that several entries share; their row ids follow when they are stored. */
function sharedPayloadsOf(entries: readonly Append[]): Map<Uint8Array, number | undefined> {
  const shared = new Map<Uint8Array, number | undefined>();
  if (entries.length === 1) return shared;
  const seen = new Set<Uint8Array>();
  for (const { payload } of entries) {
    if (payload.length < sharedPayloadBytesMin) continue;
    if (seen.has(payload)) shared.set(payload, undefined);
    seen.add(payload);
  }
  return shared;
}
