/** Packs the calls of MessageLog. */
import type { InboxKey } from "quicproquo-proto";
import type { Append, Appended, Gap, GroupCommitted, StoredMessage } from "../port.ts";
import { senderTagOf } from "../sender-share.ts";
import { type Codec, readList, requestBytes, wholeMs } from "./codec.ts";

export const append: Codec<"append"> = {
  bytesOf(entries) {
    let bytes = requestBytes * entries.length;
    for (const payload of distinctPayloads(entries)) bytes += payload.length;
    return bytes;
  },
  writeRequest(writer, entries) {
    const payloads = distinctPayloads(entries);
    writer.u32(payloads.length);
    for (const payload of payloads) writer.blob(payload);
    const slots = new Map(payloads.map((payload, slot) => [payload, slot]));
    writer.u32(entries.length);
    for (const entry of entries) {
      writer.latin1(entry.inbox);
      writer.optionalBlob(entry.messageId);
      writer.optionalBlob(entry.sender && senderTagOf(entry.sender));
      writer.f64(wholeMs(entry.expiresAtMs));
      writer.u32(slots.get(entry.payload) as number);
    }
  },
  readRequest(reader) {
    const payloads = readList(reader, () => reader.blob());
    return readList(reader, () => ({
      inbox: reader.latin1() as InboxKey,
      messageId: reader.optionalBlob(),
      sender: reader.optionalBlob(),
      expiresAtMs: reader.f64(),
      payload: slotOf(payloads, reader.u32()),
    }));
  },
  writeAnswer(writer, answers) {
    writer.u32(answers.length);
    for (const answer of answers) {
      writer.u8(appendedKinds.indexOf(answer.kind));
      if (answer.kind === "full") writer.u8(answer.ofSender ? 1 : 0);
      else writer.u64(answer.seq);
    }
  },
  readAnswer(reader) {
    return readList(reader, (): Appended => {
      const kind = appendedKinds[reader.u8()] as Appended["kind"];
      if (kind === "full") return reader.u8() === 1 ? senderFull : { kind };
      return { kind, seq: reader.u64() };
    });
  },
};
function slotOf(payloads: readonly Uint8Array[], slot: number): Uint8Array {
  const payload = payloads[slot];
  if (payload === undefined) throw new RangeError("no such payload");
  return payload;
}

const appendedKinds = ["stored", "duplicate", "full"] as const;
const senderFull = { kind: "full", ofSender: true } as const;

/** The same payload object in many entries (a fan-out) crosses, and is stored, once. */
function distinctPayloads(entries: readonly Append[]): readonly Uint8Array[] {
  const first = entries[0];
  if (entries.length === 1 && first !== undefined) return [first.payload];
  return [...new Set(entries.map((entry) => entry.payload))];
}

export const commitGroup: Codec<"commitGroup"> = {
  bytesOf: (commit) => 2 * requestBytes + append.bytesOf(commit.entries),
  writeRequest(writer, commit) {
    for (const field of ["groupId", "proofHash", "nextProofHash", "messageId"] as const) writer.blob(commit[field]);
    writer.u64(commit.epoch);
    append.writeRequest(writer, commit.entries);
  },
  readRequest: (reader) => ({
    groupId: reader.blob(),
    proofHash: reader.blob(),
    nextProofHash: reader.blob(),
    messageId: reader.blob(),
    epoch: reader.u64(),
    entries: append.readRequest(reader),
  }),
  writeAnswer(writer, answer) {
    writer.u8(committedKinds.indexOf(answer.kind));
    const seqs = "seqs" in answer ? answer.seqs : [];
    writer.u32(seqs.length);
    for (const seq of seqs) writer.u64(seq);
  },
  readAnswer(reader) {
    const kind = committedKinds[reader.u8()] as GroupCommitted["kind"];
    const seqs = readList(reader, () => reader.u64());
    return kind === "accepted" || kind === "repeated" ? { kind, seqs } : { kind };
  },
};
const committedKinds = ["accepted", "repeated", "epochTaken", "badProof"] as const;

export const ack: Codec<"ack"> = {
  bytesOf: () => requestBytes,
  writeRequest(writer, { inbox, upTo, storeEpoch }) {
    writer.latin1(inbox);
    writer.u64(upTo);
    writer.u64(storeEpoch);
  },
  readRequest: (reader) => ({ inbox: reader.latin1() as InboxKey, upTo: reader.u64(), storeEpoch: reader.u64() }),
  writeAnswer: (writer, answer) => writer.u8(answer ? 1 : 0),
  readAnswer: (reader) => reader.u8() === 1,
};

export const sweep: Codec<"sweep"> = {
  bytesOf: () => requestBytes,
  writeRequest: (writer, rowsMax) => writer.u32(rowsMax),
  readRequest: (reader) => reader.u32(),
  writeAnswer: (writer, rows) => writer.u32(rows),
  readAnswer: (reader) => reader.u32(),
};

export const read: Codec<"read"> = {
  bytesOf: () => requestBytes,
  writeRequest(writer, query) {
    writer.latin1(query.inbox);
    writer.u64(query.after);
    writer.u64(query.storeEpoch);
    writer.f64(query.limit);
    writer.f64(query.bytesMax);
  },
  readRequest: (reader) => ({
    inbox: reader.latin1() as InboxKey,
    after: reader.u64(),
    storeEpoch: reader.u64(),
    limit: reader.f64(),
    bytesMax: reader.f64(),
  }),
  writeAnswer(writer, { messages, gap, storeEpoch }) {
    writer.u64(storeEpoch);
    writer.u8(gapKinds.indexOf(gap.kind));
    writer.u64(gap.upTo);
    writer.u32(messages.length);
    for (const message of messages) {
      writer.u64(message.seq);
      writer.f64(message.enqueuedAtMs);
      writer.u8(message.expired ? 1 : 0);
      writer.blob(message.payload);
    }
  },
  readAnswer(reader) {
    const storeEpoch = reader.u64();
    const gap: Gap = { kind: gapKinds[reader.u8()] as Gap["kind"], upTo: reader.u64() };
    const messages = readList(
      reader,
      (): StoredMessage => ({
        seq: reader.u64(),
        enqueuedAtMs: reader.f64(),
        expired: reader.u8() === 1,
        payload: reader.blob(),
      }),
    );
    return { messages, gap, storeEpoch };
  },
};
const gapKinds = ["none", "expired", "overflow", "epochReset"] as const;
