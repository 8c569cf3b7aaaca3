/**
 * What the message log consists of: records, each one change of the state, in the order in which the changes were made.
 * Whoever applies all of them, from the first or from a checkpoint on, has the state.
 *
 * Little-endian. A record is its type (one byte) and its fields; inboxes stand under their key, so that a record means
 * the same wherever it is copied to. seqs, epochs and times are float64: below 2^53.
 */
import type { InboxKey } from "quicproquo-proto";

/** A payload that several messages of one batch share: its place in the same segment. */
export type SharedBody = { readonly offset: number; readonly bytes: number };

export type MessageRecord = {
  readonly inbox: InboxKey;
  readonly seq: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
  /** 8 bytes: whose share it takes. */
  readonly sender: Uint8Array | undefined;
  /** 16 bytes: is remembered from now on. A message that was moved has none: its id is remembered since it came. */
  readonly messageId: Uint8Array | undefined;
  /** Not looked at when it is shared. */
  readonly body: Uint8Array;
  readonly shared: SharedBody | undefined;
};

/** A message of a group's commit belongs here that the full inbox could not take. */
export type MarkRecord = Pick<MessageRecord, "inbox" | "seq" | "enqueuedAtMs" | "expiresAtMs">;

/** Where a message stands. */
export type Place = {
  readonly segment: number;
  /** Of the record in its segment. */
  readonly offset: number;
  readonly recordBytes: number;
  readonly bodyBytes: number;
  /** Of a shared body; 0: the body is the record's end. */
  readonly bodyOffset: number;
};

/** What stands in an inbox without bytes in the log: a message whose life is over, or a mark that one was lost. */
export const isTombstone = 1;
export const isMark = 2;

/** A line of a checkpoint: the next seq of the inbox named before. */
export type StandingRecord = Place & {
  readonly flags: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number;
  readonly sender: Uint8Array | undefined;
};
export type InboxRecord = {
  readonly inbox: InboxKey;
  /** Names it among the ids of the same checkpoint. */
  readonly number: number;
  readonly acked: number;
  readonly trimmed: number;
};
/** The inbox `number` has seen the id. */
export type IdRecord = {
  readonly number: number;
  readonly messageId: Uint8Array;
  readonly seq: number;
  readonly atMs: number;
};
/** Names are the bytes as Latin-1. */
export type GroupRecord = {
  readonly groupId: string;
  readonly nextEpoch: number;
  readonly proofHash: Uint8Array;
  readonly usedAtMs: number;
};
export type GroupCommitRecord = {
  readonly groupId: string;
  readonly messageId: string;
  readonly seqs: readonly number[];
  readonly committedAtMs: number;
};
export type CommitName = Pick<GroupCommitRecord, "groupId" | "messageId">;

/** Whom records are told to, in their order. */
export type RecordTarget = {
  message(record: MessageRecord, place: Place): void;
  mark(record: MarkRecord): void;
  /** Everything up to upTo is acknowledged. */
  ack(inbox: InboxKey, upTo: number): void;
  /** Everything up to upTo has ended its life. */
  trim(inbox: InboxKey, upTo: number): void;
  tombstone(inbox: InboxKey, seq: number): void;
  removeInbox(inbox: InboxKey): void;
  /** The oldest `count` ids are no longer remembered. */
  forgetIds(count: number): void;
  group(record: GroupRecord): void;
  groupCommit(record: GroupCommitRecord): void;
  removeGroup(groupId: string): void;
  removeGroupCommit(name: CommitName): void;
  inbox(record: InboxRecord): void;
  standing(record: StandingRecord): void;
  id(record: IdRecord): void;
};

/** A record's place in this list is the byte that names it: only to be added to. */
export const recordTypes = [
  "none",
  "message",
  "mark",
  "ack",
  "trim",
  "tombstone",
  "removeInbox",
  "forgetIds",
  "group",
  "groupCommit",
  "removeGroup",
  "removeGroupCommit",
  "inbox",
  "standing",
  "id",
  "body",
] as const;
export type RecordType = (typeof recordTypes)[number];

/** Bits of a message's second byte. */
export const hasSender = 1;
export const hasId = 2;
export const isShared = 4;

export const senderBytes = 8;
export const idBytes = 16;
