/**
 * The inboxes and what stands in them, in memory: counters, and the places of the messages. It makes no decision: it
 * carries out records.
 */
import { type InboxKey, latin1 } from "quicproquo-proto";
import { MessagePool } from "./message-pool.ts";
import {
  type InboxRecord,
  isMark,
  isTombstone,
  type MarkRecord,
  type MessageRecord,
  type Place,
  type StandingRecord,
} from "./records.ts";

export type Inbox = {
  readonly key: InboxKey;
  /** Names it in this process; never used for another one. */
  readonly number: number;
  /** The last seq that was issued; 0 = none. */
  last: number;
  acked: number;
  trimmed: number;
  /** Of the messages base + 1 .. last, from `head` on. */
  slots: number[];
  head: number;
};

/** Is told of each message that begins to stand, or to have its life, and of each that no longer does. */
export type SlotWatch = {
  added(slot: number): void;
  removed(slot: number): void;
  /** Another message stands first, and it is a tombstone, or is none. */
  headChanged(inbox: Inbox, isTombstone: boolean): void;
};

/** Slots in front of the head that are worth a copy of those behind it. */
const deadSlotsMin = 32;

export class InboxIndex {
  readonly pool = new MessagePool();
  readonly #byKey = new Map<InboxKey, Inbox>();
  readonly #watch: SlotWatch | undefined;
  #nextNumber = 1;
  #restored: Inbox | undefined;

  constructor(watch?: SlotWatch) {
    this.#watch = watch;
  }

  get inboxes(): Iterable<Inbox> {
    return this.#byKey.values();
  }

  find(key: InboxKey): Inbox | undefined {
    return this.#byKey.get(key);
  }

  /** Those of one recipient: it looks through all keys. */
  keysOf(recipient: Uint8Array): InboxKey[] {
    const prefix = latin1(recipient);
    return [...this.#byKey.keys()].filter((key) => key.startsWith(prefix));
  }

  /** Answers the inbox when the message is new, undefined when it was moved, or no longer stands. */
  message(record: MessageRecord, place: Place): Inbox | undefined {
    const inbox = this.#findOrMake(record.inbox);
    if (record.seq !== inbox.last + 1) {
      this.#move(inbox, record.seq, place);
      return undefined;
    }
    const { enqueuedAtMs, expiresAtMs, sender } = record;
    this.#push(inbox, { ...place, flags: 0, enqueuedAtMs, expiresAtMs, sender });
    return inbox;
  }

  mark({ inbox, enqueuedAtMs, expiresAtMs }: MarkRecord): void {
    const record = { ...nowhere, flags: isMark, enqueuedAtMs, expiresAtMs, sender: undefined };
    this.#push(this.#findOrMake(inbox), record);
  }

  ack(key: InboxKey, upTo: number): void {
    const inbox = this.#findOrMake(key);
    this.#dropUpTo(inbox, upTo);
    inbox.acked = Math.max(inbox.acked, upTo);
    this.#lookAtHead(inbox);
  }

  trim(key: InboxKey, upTo: number): void {
    const inbox = this.#findOrMake(key);
    this.#dropUpTo(inbox, upTo);
    inbox.trimmed = Math.max(inbox.trimmed, upTo);
    this.#lookAtHead(inbox);
  }

  tombstone(key: InboxKey, seq: number): void {
    const inbox = this.#findOrMake(key);
    const slot = this.slotOf(inbox, seq);
    if (slot === undefined) return;
    this.#watch?.removed(slot);
    const { pool } = this;
    pool.flags[slot] = (pool.flags[slot] as number) | isTombstone;
    this.#setPlace(slot, nowhere);
    pool.expiresAtMs[slot] = Number.POSITIVE_INFINITY;
  }

  removeInbox(key: InboxKey): void {
    const inbox = this.#byKey.get(key);
    if (inbox === undefined) return;
    this.#dropUpTo(inbox, inbox.last);
    this.#byKey.delete(key);
  }

  /** Of a checkpoint; messages that stand in it follow. */
  restore({ inbox: key, number, acked, trimmed }: InboxRecord): Inbox {
    const inbox = { key, number, last: Math.max(acked, trimmed), acked, trimmed, slots: [], head: 0 };
    this.#byKey.set(key, inbox);
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    this.#restored = inbox;
    return inbox;
  }

  standing(record: StandingRecord): void {
    const inbox = this.#restored as Inbox;
    this.#push(inbox, record);
    if (inbox.last === baseOf(inbox) + 1) this.#lookAtHead(inbox);
  }

  /** undefined: it does not stand. */
  slotOf(inbox: Inbox, seq: number): number | undefined {
    const ahead = seq - baseOf(inbox) - 1;
    return ahead < 0 ? undefined : inbox.slots[inbox.head + ahead];
  }

  /** The sender's tag; undefined: it takes nobody's share. */
  senderOf(slot: number): Uint8Array | undefined {
    const [low, high] = [this.pool.senderLow[slot] as number, this.pool.senderHigh[slot] as number];
    if (low === 0 && high === 0) return undefined;
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(low, 0);
    tag.writeUInt32LE(high, 4);
    return tag;
  }

  #findOrMake(key: InboxKey): Inbox {
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    const inbox = { key, number: this.#nextNumber++, last: 0, acked: 0, trimmed: 0, slots: [], head: 0 };
    this.#byKey.set(key, inbox);
    return inbox;
  }

  #push(inbox: Inbox, record: StandingRecord): void {
    const { pool } = this;
    const slot = pool.take(inbox);
    this.#setPlace(slot, record);
    pool.flags[slot] = record.flags;
    pool.enqueuedAtMs[slot] = record.enqueuedAtMs;
    pool.expiresAtMs[slot] = record.expiresAtMs;
    pool.seq[slot] = ++inbox.last;
    pool.senderLow[slot] = record.sender === undefined ? 0 : low(record.sender);
    pool.senderHigh[slot] = record.sender === undefined ? 0 : high(record.sender);
    inbox.slots.push(slot);
    if ((record.flags & isTombstone) === 0) this.#watch?.added(slot);
  }

  #move(inbox: Inbox, seq: number, place: Place): void {
    const slot = this.slotOf(inbox, seq);
    // Acknowledged, or its life was over, before it was moved: nothing refers to the copy.
    if (slot === undefined || ((this.pool.flags[slot] as number) & isTombstone) !== 0) return;
    this.#watch?.removed(slot);
    this.#setPlace(slot, place);
    this.#watch?.added(slot);
  }

  #setPlace(slot: number, { segment, offset, recordBytes, bodyBytes, bodyOffset }: Place): void {
    const { pool } = this;
    pool.segment[slot] = segment;
    pool.offset[slot] = offset;
    pool.recordBytes[slot] = recordBytes;
    pool.bodyBytes[slot] = bodyBytes;
    pool.bodyOffset[slot] = bodyOffset;
  }

  #dropUpTo(inbox: Inbox, upTo: number): void {
    const { pool } = this;
    const count = Math.min(upTo, inbox.last) - baseOf(inbox);
    for (let i = 0; i < count; i++) {
      const slot = inbox.slots[inbox.head++] as number;
      if (((pool.flags[slot] as number) & isTombstone) === 0) this.#watch?.removed(slot);
      pool.give(slot);
    }
    const { head, slots } = inbox;
    if (head === slots.length || (head >= deadSlotsMin && 2 * head > slots.length)) {
      inbox.slots = slots.slice(head);
      inbox.head = 0;
    }
  }

  #lookAtHead(inbox: Inbox): void {
    const slot = inbox.slots[inbox.head];
    const isOver = slot !== undefined && ((this.pool.flags[slot] as number) & isTombstone) !== 0;
    this.#watch?.headChanged(inbox, isOver);
  }
}

/** The seq before the oldest message that stands. */
export function baseOf(inbox: Inbox): number {
  return Math.max(inbox.acked, inbox.trimmed);
}

/** The halves of a sender's tag of 8 bytes. */
export function low(tag: Uint8Array): number {
  return wordOf(tag, 0);
}

export function high(tag: Uint8Array): number {
  return wordOf(tag, 4);
}

function wordOf(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

const nowhere: Place = { segment: 0, offset: 0, recordBytes: 0, bodyBytes: 0, bodyOffset: 0 };
