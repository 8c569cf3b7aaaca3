/**
 * The store ports. Each adapter (memory, SQLite, Postgres, Postgres with Redis) keeps every promise written here; one
 * conformance suite (test/conformance/) runs over all of them.
 *
 * All times are ms since the Unix epoch and come from the adapter's clock argument. Payloads handed in are not changed
 * by the adapter and must not be changed by the caller; payloads handed out belong to the receiver.
 */
import type { IdentityKey, InboxKey } from "quicproquo-proto";
import type { AccountStore } from "./account-port.ts";
import type { BlobStore } from "./blob-port.ts";
import type { ChannelStore } from "./channel-port.ts";

export type * from "./account-port.ts";
export type * from "./blob-port.ts";
export type * from "./channel-port.ts";

/** One message on its way into one inbox. */
export type Append = {
  readonly inbox: InboxKey;
  readonly payload: Uint8Array;
  /**
   * 16 bytes that name this message in this inbox for at least the dedupe window (it ends with the sweep after it): the
   * same id again answers the first seq and stores nothing. undefined = never deduplicated.
   */
  readonly messageId: Uint8Array | undefined;
  readonly expiresAtMs: number;
  /**
   * 32 bytes, not to be changed while it is used: whose share of the inbox it takes. Without it there is no limit.
   */
  readonly sender?: Uint8Array | undefined;
};

/**
 * In a sender's place, of an entry of commitGroup: the inbox is not to take it, as if its sender's share were full. A tag
 * of its own (sender-share.ts): no hash begins with 8 zero bytes.
 */
export const refusedSender = new Uint8Array(8);

/**
 * `full`: the inbox holds depthMax messages, or, with `ofSender`, a quarter of that from this sender; acknowledged ones
 * are not counted. Nothing was stored and no seq was used up. `inTail`: readTail will find it, of which the publish that
 * follows tells.
 */
export type Appended =
  | { readonly kind: "stored"; readonly seq: bigint; readonly inTail?: boolean }
  | { readonly kind: "duplicate"; readonly seq: bigint }
  | { readonly kind: "full"; readonly ofSender?: true };

/** A step of one MLS group, of which the store sees the order and not the content (wire.md, submitCommit). */
export type GroupCommit = {
  readonly groupId: Uint8Array;
  /** The epoch that the commit leaves; below 2^53. */
  readonly epoch: bigint;
  /** SHA-256 of the proof shown: must be the hash that the commit before announced. Of the first commit it is not looked at. */
  readonly proofHash: Uint8Array;
  /** What the next commit must show. */
  readonly nextProofHash: Uint8Array;
  /** 16 bytes that name this commit in its group. */
  readonly messageId: Uint8Array;
  /** Without message ids of their own. */
  readonly entries: readonly Append[];
};

/**
 * `accepted`, `repeated`: the seqs in the order of the entries, 0 where the inbox was full, or the sender's share of it:
 * its reader is told gap{overflow}, or gap{expired} once the life of what was lost is over. `epochTaken`: another commit of this epoch was
 * accepted, or the epoch is not the group's. `badProof`: not from a member of the epoch. In the last two nothing was
 * stored.
 */
export type GroupCommitted =
  | { readonly kind: "accepted" | "repeated"; readonly seqs: readonly bigint[] }
  | { readonly kind: "epochTaken" | "badProof" };

export type StoredMessage = {
  readonly seq: bigint;
  /** Empty when expired. */
  readonly payload: Uint8Array;
  readonly enqueuedAtMs: number;
  /** Its life ended before it was read, swept or not: it stands as a tombstone, so that the reader learns of it. */
  readonly expired: boolean;
};

/**
 * What the reader must know beside the messages. `none`: upTo is what is acknowledged: a reader whose cursor lies before
 * it has an older state than the one that acknowledged. `expired`: everything up to upTo that wasn't acknowledged is gone.
 * `overflow`: messages up to upTo could not be stored. `epochReset`: the reader's storeEpoch is not the store's; the
 * cursor was ignored and the read began behind what is acknowledged.
 */
export type Gap = {
  readonly kind: "none" | "expired" | "overflow" | "epochReset";
  readonly upTo: bigint;
};

export type ReadQuery = {
  readonly inbox: InboxKey;
  /** Read seq > max(after, acknowledged). 0 = from the beginning. */
  readonly after: bigint;
  /** The epoch `after` was learnt in; 0 = unknown. */
  readonly storeEpoch: bigint;
  /** At most this many messages (at least 1). */
  readonly limit: number;
  /** At most this many payload bytes, but always one message when there is one. */
  readonly bytesMax: number;
};

export type ReadAnswer = {
  /** Ascending by seq, without holes from the first on. */
  readonly messages: readonly StoredMessage[];
  readonly gap: Gap;
  /** Never 0. That of a new store is the time of its making, so that no cursor of an earlier store is believed. */
  readonly storeEpoch: bigint;
};

/** `after` and its storeEpoch stand in an answer that this reader was given. `inTail`: so said all hints since. */
export type TailQuery = ReadQuery & { readonly inTail: boolean };

/** At least one message. `isAll`: these are all that those hints told of. */
export type TailAnswer = { readonly messages: readonly StoredMessage[]; readonly isAll: boolean };

/**
 * A log an inbox. seq starts at 1, has no holes, and is in commit order: who sees seq n can see all of 1..n-1 that
 * are neither acknowledged nor expired.
 */
export interface MessageLog {
  /**
   * Durable when it resolves (a power cut afterwards keeps it). Many calls are gathered into one commit. Calls for the
   * same inbox from the same event-loop turn keep their order. A rejected append (E020_STORE_UNAVAILABLE,
   * E035_STORE_FULL, E021_OVERLOADED) has an unknown outcome unless the code is E021_OVERLOADED: repeat it with the
   * same messageId.
   */
  append(entry: Append): Promise<Appended>;
  /**
   * All entries in one transaction: durable together or not at all, but a full inbox answers `full` and leaves the
   * others. Answers stand in the order of the entries; two entries for one inbox get ascending seqs. Entries with the
   * same payload object share its storage: a fan-out costs one payload.
   */
  appendAll(entries: readonly Append[]): Promise<readonly Appended[]>;
  /**
   * One step of a group: the epoch moves on and all entries are appended, in one transaction, or nothing happens. The
   * same messageId again answers what it answered first, for the dedupe window, whatever has become of the epoch.
   * Of several commits of one epoch exactly one is accepted. Durable when it resolves; may be repeated like append.
   */
  commitGroup(commit: GroupCommit): Promise<GroupCommitted>;
  /** Removes nothing. Sees everything whose append resolved before the call. An unknown inbox reads as empty. */
  read(query: ReadQuery): Promise<ReadAnswer>;
  /**
   * Of a store that keeps what was appended a moment ago nearer than its truth: for a reader that goes on behind what it
   * has read, when it was hinted. Its messages are what `read` would begin with, from seq after + 1 on without holes, of
   * the query's storeEpoch, none expired and none acknowledged by this reader; what another reader acknowledged a moment
   * ago may be among them. undefined: only `read` knows. Never rejects.
   */
  readTail?(query: TailQuery): Promise<TailAnswer | undefined> | undefined;
  /**
   * Removes everything up to and including `upTo`; durable when it resolves; repeating it changes nothing. Beyond the
   * last seq it removes up to the last seq only. With a storeEpoch that is neither 0 nor the store's it removes nothing
   * and answers false.
   */
  ack(inbox: InboxKey, upTo: bigint, storeEpoch: bigint): Promise<boolean>;
  /**
   * Ends the life of what is over it: expired messages at the head of an inbox go (a reader behind them gets
   * gap{expired}), expired ones behind a living message become tombstones, dedupe entries older than the window go,
   * and so do expired KeyPackages, tokens, endpoints, blobs and uploads of the same store, and what is left of deleted
   * accounts.
   * At most `rowsMax` rows a call; answers how many rows it touched (fewer than rowsMax: nothing is left to do).
   */
  sweep(rowsMax: number): Promise<number>;
}

/**
 * Why somebody is told to look again. `hint`: something was published. `timer`: the safety sweep found something that no
 * hint told of. `reconnect`: the bus was cut off and may have missed hints.
 */
export type HintSource = "hint" | "timer" | "reconnect";

/** An object and not a function: a parked reader is its own listener, and costs no closure. */
export interface WakeupListener {
  /**
   * Look again: at any time after `subscribe`, also within it, also for nothing. `inTail`, with `hint` only: readTail
   * finds what was published. Must not throw.
   */
  onHint(source: HintSource, inTail?: boolean): void;
  /** Somebody claims the inbox for itself; also its own word comes. Must not throw. */
  onClaim?(word: string): void;
}

/**
 * Hints only ("look again"): losing one costs latency, never a message. A bus that was cut off, and may have missed
 * publishes, tells every listener `reconnect` once when it is back.
 */
export interface WakeupBus {
  /**
   * Every listener of the inbox is told at some time afterwards; several publishes may become one hint. `inTail`: that of
   * the answer to the append; a hint has it if all publishes that became it had.
   */
  publish(inbox: InboxKey, inTail?: boolean): void;
  /**
   * A listener stands at most once an inbox. undefined: hints come from now on. Else the promise resolves when they do:
   * who looks then misses nothing. It never rejects: it resolves also when the bus is cut off, and then `reconnect`
   * comes. Throws E021_OVERLOADED when the bus takes no more listeners.
   */
  subscribe(inbox: InboxKey, listener: WakeupListener): Promise<void> | undefined;
  /**
   * Tells every listener of the inbox, also at other front-ends, that it is claimed. Of several words before one is told
   * the greatest is enough. May be lost, as hints may; of a bus without it claims don't leave their front-end.
   * `word`: at most 100 characters of Latin-1.
   */
  claim?(inbox: InboxKey, word: string): void;
  /** Who does not stand there is no error. No later publish tells it anything. */
  unsubscribe(inbox: InboxKey, listener: WakeupListener): void;
}

export type KeyPackagePut = {
  readonly identity: IdentityKey;
  readonly keyPackage: Uint8Array;
  readonly expiresAtMs: number;
  readonly lastResort: boolean;
  /** Living single-use packages that may stand in the pool. */
  readonly poolMax: number;
};

export type HybridKey = { readonly hybridPublicKey: Uint8Array; readonly signature: Uint8Array };

export interface KeyStore {
  /**
   * Durable when it resolves. `remaining` counts living single-use packages after the put. The same package again
   * changes nothing; one that was taken is remembered until it expires, and is not handed out again. A last-resort
   * package replaces the one before it. `full`: nothing was stored.
   */
  putKeyPackage(put: KeyPackagePut): Promise<{ readonly kind: "stored" | "full"; readonly remaining: number }>;
  /**
   * Oldest living single-use package, removed durably before it resolves: no two calls, and no call after a crash,
   * ever get the same one. With an empty pool the last-resort package, which stays. undefined when there is neither.
   */
  takeKeyPackage(identity: IdentityKey): Promise<Uint8Array | undefined>;
  /** Durable when it resolves; replaces the key before it. */
  putHybridKey(identity: IdentityKey, key: HybridKey): Promise<void>;
  /** In the order asked for. */
  getHybridKeys(identities: readonly IdentityKey[]): Promise<readonly (HybridKey | undefined)[]>;
}

/** A bucket of `burst`, full at first, into which perSecond come; both above 0. */
export type RateLimit = { readonly perSecond: number; readonly burst: number };

export interface RateCounter {
  /**
   * 0: admitted, and `cost` is taken out of the key's bucket; else nothing is, and it would be admitted so many ms later.
   * More than a whole bucket holds is admitted by a full one, which then owes it. At once, from what this front-end knows.
   */
  admit(key: string, limit: RateLimit, cost: number): number;
}

/** What a reader has seen of an inbox: everything up to `after`, which it learnt in storeEpoch (0 = unknown). */
export type Cursor = { readonly inbox: InboxKey; readonly after: bigint; readonly storeEpoch: bigint };

export interface Store {
  readonly log: MessageLog;
  readonly keys: KeyStore;
  readonly accounts: AccountStore;
  readonly channels: ChannelStore;
  readonly blobs: BlobStore;
  readonly wakeups: WakeupBus;
  /**
   * Of a store whose hints can be lost. Those of at most 1,000 inboxes that have something behind the cursor, or behind
   * what is acknowledged when the cursor is of another epoch; E021_OVERLOADED beyond it. Cheap, and a hint: read.
   */
  readHeads?(cursors: readonly Cursor[]): Promise<readonly InboxKey[]>;
  /** Counts for all front-ends together. Without it each counts for itself. */
  readonly rates?: RateCounter;
  /** Throws E020_STORE_UNAVAILABLE when the store does not answer. */
  health(): Promise<void>;
  /** Finishes what was accepted, then frees everything. Calls after it are rejected with E020_STORE_UNAVAILABLE. */
  close(): Promise<void>;
}

/** What every adapter is made from. */
export type StoreLimits = {
  readonly queueDepthMax: number;
  readonly dedupeWindowMs: number;
  /** A group is forgotten so long after its last commit. */
  readonly groupLifeMs: number;
  /** Appends accepted but not yet durable; beyond it E021_OVERLOADED at once. */
  readonly appendsInFlightMax: number;
};
export type Clock = () => number;
