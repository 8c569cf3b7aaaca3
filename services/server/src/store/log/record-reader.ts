/** Reads the records of a batch and tells them to a target. The batch is whole: its checksum was right. */
import type { InboxKey } from "quicproquo-proto";
import { QpqError } from "quicproquo-proto";
import { hasId, hasSender, idBytes, isShared, type RecordTarget, recordTypes, senderBytes } from "./records.ts";

const none = new Uint8Array(0);

/** A batch's records: `bytes[start..end)`; `base` is what to add to a place in `bytes` to have it in its segment. */
export type RecordRange = {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly segment: number;
  readonly base: number;
};

export function readRecords({ bytes, start, end, segment, base }: RecordRange, target: RecordTarget): void {
  const cursor = new Cursor(bytes, start);
  while (cursor.at < end) readOne(cursor, { segment, base }, target);
}

function readOne(cursor: Cursor, { segment, base }: { segment: number; base: number }, target: RecordTarget): void {
  const start = cursor.at;
  const type = recordTypes[cursor.u8()];
  switch (type) {
    case "message": {
      const flags = cursor.u8();
      const inbox = cursor.key() as InboxKey;
      const seq = cursor.f64();
      const enqueuedAtMs = cursor.f64();
      const expiresAtMs = cursor.f64();
      const sender = (flags & hasSender) !== 0 ? cursor.raw(senderBytes) : undefined;
      const messageId = (flags & hasId) !== 0 ? cursor.raw(idBytes) : undefined;
      const shared = (flags & isShared) !== 0 ? { offset: cursor.u32(), bytes: cursor.u32() } : undefined;
      const body = shared === undefined ? cursor.blob() : none;
      const place = {
        segment,
        offset: base + start,
        recordBytes: cursor.at - start,
        bodyBytes: shared?.bytes ?? body.length,
        bodyOffset: shared?.offset ?? 0,
      };
      target.message({ inbox, seq, enqueuedAtMs, expiresAtMs, sender, messageId, body, shared }, place);
      return;
    }
    case "body":
      cursor.skip(cursor.u32());
      return;
    case "mark":
      return target.mark({
        inbox: cursor.key() as InboxKey,
        seq: cursor.f64(),
        enqueuedAtMs: cursor.f64(),
        expiresAtMs: cursor.f64(),
      });
    case "ack":
    case "trim":
    case "tombstone":
      return target[type](cursor.key() as InboxKey, cursor.f64());
    case "removeInbox":
      return target.removeInbox(cursor.key() as InboxKey);
    case "forgetIds":
      return target.forgetIds(cursor.u32());
    case "group": {
      const [groupId, nextEpoch, usedAtMs] = [cursor.key(), cursor.f64(), cursor.f64()];
      return target.group({ groupId, nextEpoch, usedAtMs, proofHash: Uint8Array.from(cursor.blob()) });
    }
    case "groupCommit": {
      const [groupId, messageId, committedAtMs] = [cursor.key(), cursor.key(), cursor.f64()];
      const seqs = Array.from({ length: cursor.u32() }, () => cursor.f64());
      return target.groupCommit({ groupId, messageId, seqs, committedAtMs });
    }
    case "removeGroup":
      return target.removeGroup(cursor.key());
    case "removeGroupCommit":
      return target.removeGroupCommit({ groupId: cursor.key(), messageId: cursor.key() });
    default:
      return readCheckpointRecord(cursor, type, target);
  }
}

function readCheckpointRecord(cursor: Cursor, type: string | undefined, target: RecordTarget): void {
  switch (type) {
    case "inbox": {
      const inbox = cursor.key() as InboxKey;
      return target.inbox({ inbox, number: cursor.u32(), acked: cursor.f64(), trimmed: cursor.f64() });
    }
    case "standing": {
      const [flags, bits] = [cursor.u8(), cursor.u8()];
      const [segment, offset, recordBytes, bodyBytes, bodyOffset] = Array.from({ length: 5 }, () => cursor.u32()) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const [enqueuedAtMs, expiresAtMs] = [cursor.f64(), cursor.f64()];
      const sender = (bits & hasSender) !== 0 ? cursor.raw(senderBytes) : undefined;
      const place = { segment, offset, recordBytes, bodyBytes, bodyOffset };
      return target.standing({ ...place, flags, enqueuedAtMs, expiresAtMs, sender });
    }
    case "id":
      return target.id({
        number: cursor.u32(),
        messageId: cursor.raw(idBytes),
        seq: cursor.f64(),
        atMs: cursor.f64(),
      });
    default:
      throw new QpqError("E037_STORE_SCHEMA", {
        text: "the message log has records that a newer version wrote; run that one",
      });
  }
}

class Cursor {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  u8(): number {
    return this.#view.getUint8(this.at++);
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  f64(): number {
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  key(): string {
    const length = this.u8();
    const text = this.#bytes.toString("latin1", this.at, this.at + length);
    this.at += length;
    return text;
  }

  /** A view of the batch. */
  raw(length: number): Uint8Array {
    const value = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return value;
  }

  blob(): Uint8Array {
    return this.raw(this.u32());
  }

  skip(bytes: number): void {
    this.at += bytes;
  }
}
