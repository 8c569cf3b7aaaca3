/** Append and ack: decides what becomes of each message, and writes it. */
import type { Append, Appended } from "../port.ts";
import type { AckRequest } from "../packing/codec.ts";
import { isRefused, senderShareOf, senderTagOf } from "../sender-share.ts";
import { baseOf, high, type Inbox, low } from "./inbox-index.ts";
import type { Journal } from "./journal.ts";
import { isMark, type SharedBody } from "./records.ts";

/** Smaller payloads are cheaper copied: the reader of a shared one reads twice. */
const sharedBodyBytesMin = 256;

export type AppendRules = { readonly storeEpoch: bigint; readonly queueDepthMax: number };

export class Appends {
  readonly #journal: Journal;
  readonly #rules: AppendRules;
  readonly #senderShareMax: number;

  constructor(journal: Journal, rules: AppendRules) {
    this.#journal = journal;
    this.#rules = rules;
    this.#senderShareMax = senderShareOf(rules.queueDepthMax);
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

  ack({ inbox: key, upTo, storeEpoch }: AckRequest): boolean {
    if (storeEpoch !== 0n && storeEpoch !== this.#rules.storeEpoch) return false;
    const inbox = this.#find(key);
    if (inbox === undefined) return true;
    const target = Math.min(Number(upTo), inbox.last);
    if (target > inbox.acked) this.#journal.ack(key, target);
    return true;
  }

  #find(key: Append["inbox"]): Inbox | undefined {
    return this.#journal.state.inboxes.find(key);
  }

  #appendOne(entry: Append, nowMs: number, shared: Map<Uint8Array, SharedBody | undefined>): Appended {
    const { messageId, payload } = entry;
    const inbox = this.#find(entry.inbox);
    const { ids } = this.#journal.state;
    if (inbox !== undefined && messageId !== undefined) {
      const first = ids.find({ number: inbox.number, last: inbox.last, messageId });
      if (first !== undefined) return { kind: "duplicate", seq: BigInt(first) };
    }
    if (inbox !== undefined && inbox.last - baseOf(inbox) >= this.#rules.queueDepthMax) return { kind: "full" };
    const sender = entry.sender === undefined ? undefined : senderTagOf(entry.sender);
    if (sender !== undefined && this.#isShareFull(inbox, sender)) return { kind: "full", ofSender: true };
    const seq = (inbox?.last ?? 0) + 1;
    this.#journal.message({
      inbox: entry.inbox,
      seq,
      enqueuedAtMs: nowMs,
      expiresAtMs: entry.expiresAtMs,
      sender,
      messageId,
      body: payload,
      shared: shared.has(payload) ? this.#share(payload, shared) : undefined,
    });
    return { kind: "stored", seq: BigInt(seq) };
  }

  /**
   * The mark has a seq, so a reader meets it in its order. It comes on top of the depth: one, however many are lost. It
   * has the lost message's life: one that stayed would keep all behind it from being trimmed, and the inbox full for good.
   * Of a full share one stands until something else follows it: a sender fills no inbox with marks.
   */
  #markOverflow({ inbox: key, expiresAtMs, sender }: Append, nowMs: number): void {
    const inbox = this.#find(key);
    const isOverShare = sender !== undefined && this.#isShareFull(inbox, senderTagOf(sender));
    if (isOverShare && inbox !== undefined && this.#isLastMark(inbox)) return;
    const last = inbox?.last ?? 0;
    if (inbox !== undefined && last - baseOf(inbox) > this.#rules.queueDepthMax) return;
    this.#journal.mark({ inbox: key, seq: last + 1, enqueuedAtMs: nowMs, expiresAtMs });
  }

  #isLastMark(inbox: Inbox): boolean {
    const { inboxes } = this.#journal.state;
    const slot = inboxes.slotOf(inbox, inbox.last);
    return slot !== undefined && ((inboxes.pool.flags[slot] as number) & isMark) !== 0;
  }

  /** As long as the whole inbox holds less than a share, nobody can, and nothing is counted. */
  #isShareFull(inbox: Inbox | undefined, sender: Uint8Array): boolean {
    if (isRefused(sender)) return true;
    if (inbox === undefined || inbox.last - baseOf(inbox) < this.#senderShareMax) return false;
    const { senderLow, senderHigh } = this.#journal.state.inboxes.pool;
    const [lowWord, highWord] = [low(sender), high(sender)];
    let count = 0;
    for (let i = inbox.head; i < inbox.slots.length; i++) {
      const slot = inbox.slots[i] as number;
      if (senderLow[slot] === lowWord && senderHigh[slot] === highWord) count++;
    }
    return count >= this.#senderShareMax;
  }

  /** Stored with the first entry that needs it, so that a fan-out into full inboxes only leaves nothing behind. */
  #share(payload: Uint8Array, shared: Map<Uint8Array, SharedBody | undefined>): SharedBody {
    const body = shared.get(payload) ?? this.#journal.body(payload);
    shared.set(payload, body);
    return body;
  }
}

/** The payloads that several entries share; their places follow when they are stored. */
function sharedPayloadsOf(entries: readonly Append[]): Map<Uint8Array, SharedBody | undefined> {
  const shared = new Map<Uint8Array, SharedBody | undefined>();
  if (entries.length === 1) return shared;
  const seen = new Set<Uint8Array>();
  for (const { payload } of entries) {
    if (payload.length < sharedBodyBytesMin) continue;
    if (seen.has(payload)) shared.set(payload, undefined);
    seen.add(payload);
  }
  return shared;
}
