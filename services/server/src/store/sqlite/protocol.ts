/**
 * What the main thread and the store's worker threads say to each other, and how each call is packed.
 *
 * Calls travel in batches: one transferred ArrayBuffer with the calls back to back, answered by one transferred
 * ArrayBuffer with the answers in the same order. Structured-cloning an object a call instead cost 3-4 us a side.
 */
import type { ErrorCode, IdentityKey, InboxKey } from "quicproquo-proto";
import type {
  Append,
  Appended,
  Gap,
  GroupCommit,
  GroupCommitted,
  HybridKey,
  KeyPackagePut,
  ReadAnswer,
  ReadQuery,
  StoredMessage,
} from "../port.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

export type AckRequest = { readonly inbox: InboxKey; readonly upTo: bigint; readonly storeEpoch: bigint };
export type HybridKeyPut = { readonly identity: IdentityKey; readonly key: HybridKey };
export type KeyPackagePutAnswer = { readonly kind: "stored" | "full"; readonly remaining: number };

/** Every call, what it takes and what it answers. */
export type Calls = {
  readonly append: { readonly request: readonly Append[]; readonly answer: readonly Appended[] };
  readonly commitGroup: { readonly request: GroupCommit; readonly answer: GroupCommitted };
  readonly ack: { readonly request: AckRequest; readonly answer: boolean };
  readonly sweep: { readonly request: number; readonly answer: number };
  readonly putKeyPackage: { readonly request: KeyPackagePut; readonly answer: KeyPackagePutAnswer };
  readonly takeKeyPackage: { readonly request: IdentityKey; readonly answer: Uint8Array | undefined };
  readonly putHybridKey: { readonly request: HybridKeyPut; readonly answer: undefined };
  readonly read: { readonly request: ReadQuery; readonly answer: ReadAnswer };
  readonly getHybridKeys: {
    readonly request: readonly IdentityKey[];
    readonly answer: readonly (HybridKey | undefined)[];
  };
  readonly probeWrites: { readonly request: undefined; readonly answer: undefined };
  readonly probeReads: { readonly request: undefined; readonly answer: undefined };
};
export type CallName = keyof Calls;
/** Calls of the reading thread: answered as they are read. */
export type ReadName = "read" | "getHybridKeys" | "probeReads";
/** Calls of the writing thread: a batch of them is one transaction, answered after its commit. */
export type WriteName = Exclude<CallName, ReadName>;

export type Batch = {
  readonly kind: "batch";
  /** The adapter's clock when the batch was packed: the threads have no clock of their own. */
  readonly nowMs: number;
  readonly calls: number;
  readonly buffer: ArrayBuffer;
};
export type ToWorker = { readonly kind: "open" } | Batch | { readonly kind: "close" };

/** An error on its way between threads; a QpqError does not survive the structured clone. */
export type Failure = { readonly code: ErrorCode; readonly detail: string };

export type FromWorker =
  | { readonly kind: "opened" }
  | { readonly kind: "refused"; readonly failure: Failure }
  /** The next `calls` answers of the oldest batch. */
  | { readonly kind: "answers"; readonly calls: number; readonly buffer: ArrayBuffer }
  /** What is left of the oldest batch failed. */
  | { readonly kind: "failed"; readonly failure: Failure };

/** What the writing thread is started with. */
export type WriteSettings = {
  readonly file: string;
  readonly queueDepthMax: number;
  readonly dedupeWindowMs: number;
  readonly groupLifeMs: number;
  readonly fileBytesMax: number;
  readonly raiseStoreEpoch: boolean;
  readonly nowMs: number;
};
/** What the reading thread is started with. */
export type ReadSettings = { readonly file: string };

type Codec<N extends CallName> = {
  /** About how many bytes the request takes in a batch. */
  bytesOf(request: Calls[N]["request"]): number;
  writeRequest(writer: ByteWriter, request: Calls[N]["request"]): void;
  readRequest(reader: ByteReader): Calls[N]["request"];
  writeAnswer(writer: ByteWriter, answer: Calls[N]["answer"]): void;
  readAnswer(reader: ByteReader): Calls[N]["answer"];
};

/** More than any request has beside its payload. */
const requestBytes = 128;

const append: Codec<"append"> = {
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
      writer.f64(wholeMs(entry.expiresAtMs));
      writer.u32(slots.get(entry.payload) as number);
    }
  },
  readRequest(reader) {
    const payloads = readList(reader, () => reader.blob());
    return readList(reader, () => ({
      inbox: reader.latin1() as InboxKey,
      messageId: reader.optionalBlob(),
      expiresAtMs: reader.f64(),
      payload: payloads[reader.u32()] as Uint8Array,
    }));
  },
  writeAnswer(writer, answers) {
    writer.u32(answers.length);
    for (const answer of answers) {
      writer.u8(appendedKinds.indexOf(answer.kind));
      writer.u64(answer.kind === "full" ? 0n : answer.seq);
    }
  },
  readAnswer(reader) {
    return readList(reader, (): Appended => {
      const kind = appendedKinds[reader.u8()] as Appended["kind"];
      const seq = reader.u64();
      return kind === "full" ? { kind } : { kind, seq };
    });
  },
};
const appendedKinds = ["stored", "duplicate", "full"] as const;

/** The same payload object in many entries (a fan-out) crosses, and is stored, once. */
function distinctPayloads(entries: readonly Append[]): readonly Uint8Array[] {
  const first = entries[0];
  if (entries.length === 1 && first !== undefined) return [first.payload];
  return [...new Set(entries.map((entry) => entry.payload))];
}

const commitGroup: Codec<"commitGroup"> = {
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

const ack: Codec<"ack"> = {
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

const sweep: Codec<"sweep"> = {
  bytesOf: () => requestBytes,
  writeRequest: (writer, rowsMax) => writer.u32(rowsMax),
  readRequest: (reader) => reader.u32(),
  writeAnswer: (writer, rows) => writer.u32(rows),
  readAnswer: (reader) => reader.u32(),
};

const putKeyPackage: Codec<"putKeyPackage"> = {
  bytesOf: (put) => requestBytes + put.keyPackage.length,
  writeRequest(writer, put) {
    writer.blob(put.identity);
    writer.blob(put.keyPackage);
    writer.f64(wholeMs(put.expiresAtMs));
    writer.u8(put.lastResort ? 1 : 0);
    writer.u32(put.poolMax);
  },
  readRequest: (reader) => ({
    identity: reader.blob() as IdentityKey,
    keyPackage: reader.blob(),
    expiresAtMs: reader.f64(),
    lastResort: reader.u8() === 1,
    poolMax: reader.u32(),
  }),
  writeAnswer(writer, answer) {
    writer.u8(answer.kind === "full" ? 1 : 0);
    writer.u32(answer.remaining);
  },
  readAnswer: (reader) => ({ kind: reader.u8() === 1 ? "full" : "stored", remaining: reader.u32() }),
};

const takeKeyPackage: Codec<"takeKeyPackage"> = {
  // Counted by its answer, which may be 1 MiB though most are 306 B: a batch of takes must stay small in memory.
  bytesOf: () => 64 * 1024,
  writeRequest: (writer, identity) => writer.blob(identity),
  readRequest: (reader) => reader.blob() as IdentityKey,
  writeAnswer: (writer, answer) => writer.optionalBlob(answer),
  readAnswer: (reader) => reader.optionalBlob(),
};

const putHybridKey: Codec<"putHybridKey"> = {
  bytesOf: ({ key }) => requestBytes + key.hybridPublicKey.length + key.signature.length,
  writeRequest(writer, { identity, key }) {
    writer.blob(identity);
    writer.blob(key.hybridPublicKey);
    writer.blob(key.signature);
  },
  readRequest: (reader) => ({
    identity: reader.blob() as IdentityKey,
    key: { hybridPublicKey: reader.blob(), signature: reader.blob() },
  }),
  writeAnswer: () => undefined,
  readAnswer: () => undefined,
};

const read: Codec<"read"> = {
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

const getHybridKeys: Codec<"getHybridKeys"> = {
  bytesOf: (identities) => requestBytes * identities.length,
  writeRequest(writer, identities) {
    writer.u32(identities.length);
    for (const identity of identities) writer.blob(identity);
  },
  readRequest: (reader) => readList(reader, () => reader.blob() as IdentityKey),
  writeAnswer(writer, keys) {
    writer.u32(keys.length);
    for (const key of keys) {
      writer.optionalBlob(key?.hybridPublicKey);
      if (key !== undefined) writer.blob(key.signature);
    }
  },
  readAnswer: (reader) =>
    readList(reader, () => {
      const hybridPublicKey = reader.optionalBlob();
      return hybridPublicKey === undefined ? undefined : { hybridPublicKey, signature: reader.blob() };
    }),
};

/** Both probes: nothing to say, nothing to answer. */
const probe = {
  bytesOf: () => requestBytes,
  writeRequest: () => undefined,
  readRequest: () => undefined,
  writeAnswer: () => undefined,
  readAnswer: () => undefined,
};

/** Times are integers in the file: its STRICT tables refuse 0.5 and infinity, and with them the whole batch. */
export function wholeMs(timeMs: number): number {
  return Math.min(Math.floor(timeMs), Number.MAX_SAFE_INTEGER);
}

function readList<T>(reader: ByteReader, readOne: () => T): T[] {
  const list: T[] = [];
  for (let left = reader.u32(); left > 0; left--) list.push(readOne());
  return list;
}

export const codecs: { readonly [N in CallName]: Codec<N> } = {
  append,
  commitGroup,
  ack,
  sweep,
  putKeyPackage,
  takeKeyPackage,
  putHybridKey,
  read,
  getHybridKeys,
  probeWrites: probe,
  probeReads: probe,
};

/** A call's place in this list is the byte that names it in a batch. */
export const callNames = Object.keys(codecs) as readonly CallName[];
