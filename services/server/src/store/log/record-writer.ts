/** Packs records into one batch, in memory that is used again for the next one. */
import assert from "node:assert";
import { crc32 } from "node:zlib";
import type { InboxKey } from "quicproquo-proto";
import { batchHeaderBytes, type SegmentMark, markBytes } from "./format.ts";
import {
  type CommitName,
  type GroupCommitRecord,
  type GroupRecord,
  hasId,
  hasSender,
  type IdRecord,
  type InboxRecord,
  idBytes,
  isShared,
  type MarkRecord,
  type MessageRecord,
  type Place,
  type RecordType,
  recordTypes,
  type SharedBody,
  type StandingRecord,
  senderBytes,
} from "./records.ts";

const capacityBytesMin = 64 * 1024;
/** Memory beyond this is given back after the batch that needed it. */
const capacityBytesKept = 4 * 1024 * 1024;

export class RecordWriter {
  #bytes = Buffer.alloc(capacityBytesMin);
  #view = viewOf(this.#bytes);
  #at = batchHeaderBytes;
  #records = 0;
  #segment = 0;
  /** Where the batch will stand in its segment. */
  #base = 0;

  get isEmpty(): boolean {
    return this.#records === 0;
  }

  get length(): number {
    return this.#at;
  }

  /** The batch begins at `offset` of the segment. */
  begin(segment: number, offset: number): void {
    this.#segment = segment;
    this.#base = offset;
    this.#at = batchHeaderBytes;
    this.#records = 0;
    if (this.#bytes.length > capacityBytesKept) this.#resize(capacityBytesMin);
  }

  /** The whole batch with its header, until the next `begin`. */
  finish(mark: SegmentMark, number: number): Buffer {
    const batch = this.#bytes.subarray(0, this.#at);
    batch.set(mark, 0);
    this.#view.setUint32(markBytes + 4, this.#at - batchHeaderBytes, true);
    this.#view.setUint32(markBytes + 8, this.#records, true);
    this.#view.setUint32(markBytes + 12, number, true);
    this.#view.setUint32(markBytes, crc32(batch.subarray(markBytes + 4)), true);
    return batch;
  }

  message(record: MessageRecord): Place {
    const offset = this.#base + this.#at;
    const { sender, messageId, shared } = record;
    this.#open("message", 3 + record.inbox.length + 24 + senderBytes + idBytes + 8 + record.body.length);
    this.#u8((sender ? hasSender : 0) | (messageId ? hasId : 0) | (shared ? isShared : 0));
    this.#key(record.inbox);
    this.#f64(record.seq);
    this.#f64(record.enqueuedAtMs);
    this.#f64(record.expiresAtMs);
    if (sender !== undefined) this.#fixed(sender, senderBytes);
    if (messageId !== undefined) this.#fixed(messageId, idBytes);
    if (shared !== undefined) {
      this.#u32(shared.offset);
      this.#u32(shared.bytes);
    } else {
      this.#blob(record.body);
    }
    return {
      segment: this.#segment,
      offset,
      recordBytes: this.#base + this.#at - offset,
      bodyBytes: shared?.bytes ?? record.body.length,
      bodyOffset: shared?.offset ?? 0,
    };
  }

  /** To be named by messages behind it. */
  body(bytes: Uint8Array): SharedBody {
    this.#open("body", 4 + bytes.length);
    this.#u32(bytes.length);
    const offset = this.#base + this.#at;
    this.#raw(bytes);
    return { offset, bytes: bytes.length };
  }

  mark({ inbox, seq, enqueuedAtMs, expiresAtMs }: MarkRecord): void {
    this.#open("mark", 1 + inbox.length + 24);
    this.#key(inbox);
    this.#f64(seq);
    this.#f64(enqueuedAtMs);
    this.#f64(expiresAtMs);
  }

  ack(inbox: InboxKey, upTo: number): void {
    this.#place("ack", inbox, upTo);
  }

  trim(inbox: InboxKey, upTo: number): void {
    this.#place("trim", inbox, upTo);
  }

  tombstone(inbox: InboxKey, seq: number): void {
    this.#place("tombstone", inbox, seq);
  }

  removeInbox(inbox: InboxKey): void {
    this.#open("removeInbox", 1 + inbox.length);
    this.#key(inbox);
  }

  forgetIds(count: number): void {
    this.#open("forgetIds", 4);
    this.#u32(count);
  }

  group({ groupId, nextEpoch, proofHash, usedAtMs }: GroupRecord): void {
    this.#open("group", 1 + groupId.length + 20 + proofHash.length);
    this.#key(groupId);
    this.#f64(nextEpoch);
    this.#f64(usedAtMs);
    this.#blob(proofHash);
  }

  groupCommit({ groupId, messageId, seqs, committedAtMs }: GroupCommitRecord): void {
    this.#open("groupCommit", 2 + groupId.length + messageId.length + 12 + 8 * seqs.length);
    this.#key(groupId);
    this.#key(messageId);
    this.#f64(committedAtMs);
    this.#u32(seqs.length);
    for (const seq of seqs) this.#f64(seq);
  }

  removeGroup(groupId: string): void {
    this.#open("removeGroup", 1 + groupId.length);
    this.#key(groupId);
  }

  removeGroupCommit({ groupId, messageId }: CommitName): void {
    this.#open("removeGroupCommit", 2 + groupId.length + messageId.length);
    this.#key(groupId);
    this.#key(messageId);
  }

  inbox({ inbox, number, acked, trimmed }: InboxRecord): void {
    this.#open("inbox", 1 + inbox.length + 20);
    this.#key(inbox);
    this.#u32(number);
    this.#f64(acked);
    this.#f64(trimmed);
  }

  standing(record: StandingRecord): void {
    this.#open("standing", 2 + 20 + 16 + senderBytes);
    this.#u8(record.flags);
    this.#u8(record.sender === undefined ? 0 : hasSender);
    for (const field of ["segment", "offset", "recordBytes", "bodyBytes", "bodyOffset"] as const) {
      this.#u32(record[field]);
    }
    this.#f64(record.enqueuedAtMs);
    this.#f64(record.expiresAtMs);
    if (record.sender !== undefined) this.#fixed(record.sender, senderBytes);
  }

  id({ number, messageId, seq, atMs }: IdRecord): void {
    this.#open("id", idBytes + 20);
    this.#u32(number);
    this.#fixed(messageId, idBytes);
    this.#f64(seq);
    this.#f64(atMs);
  }

  #place(type: "ack" | "trim" | "tombstone", inbox: InboxKey, seq: number): void {
    this.#open(type, 1 + inbox.length + 8);
    this.#key(inbox);
    this.#f64(seq);
  }

  /** Makes room for the whole record: what follows needs no look. */
  #open(type: RecordType, bytes: number): void {
    if (this.#at + 1 + bytes > this.#bytes.length) {
      this.#resize(Math.max(2 * this.#bytes.length, this.#at + 1 + bytes));
    }
    this.#records++;
    this.#u8(recordTypes.indexOf(type));
  }

  #resize(bytes: number): void {
    const larger = Buffer.alloc(bytes);
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }

  #u8(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #f64(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  #key(latin1: string): void {
    this.#u8(latin1.length);
    this.#at += this.#bytes.write(latin1, this.#at, "latin1");
  }

  #fixed(value: Uint8Array, bytes: number): void {
    assert(value.length === bytes);
    this.#raw(value);
  }

  #blob(value: Uint8Array): void {
    this.#u32(value.length);
    this.#raw(value);
  }

  #raw(value: Uint8Array): void {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
