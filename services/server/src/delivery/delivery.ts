/**
 * Messages in, messages out. Every enqueue is answered only when the store has it durably; what was answered is never
 * lost, and is handed out in order, without gaps the reader isn't told of.
 *
 * Knows nothing of RPC, sockets or databases: it works on the store port, and it is told by its caller when a fetch
 * answer has been taken (Fetched.taken) or not (Fetched.dropped).
 */
import { type IdentityKey, type InboxKey, type LimitName, QpqError } from "quicproquo-proto";
import type { Blocked, BlockLists } from "../access/block-lists.ts";
import type { Append, Appended, MessageLog, ReadAnswer, WakeupBus } from "../store/port.ts";
import type { Asker, Fetched, LeaseBook } from "./lease-book.ts";
import type { Letter, Letters } from "./letters.ts";
import type { Sender } from "./sender.ts";
import type { SendingRates } from "./sending-rates.ts";
import type { Waiters, Waiting } from "./waiters.ts";

export type DeliveryParts = {
  readonly log: MessageLog;
  readonly wakeups: WakeupBus;
  readonly waiters: Waiters;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly letters: Letters;
  readonly rates: SendingRates;
  readonly blocks: BlockLists;
};

export type FetchQuery = {
  readonly inbox: InboxKey;
  /** 0 = the server's default. */
  readonly limit: number;
  readonly after: bigint;
  /** The epoch `after` was learnt in; 0 = unknown. */
  readonly storeEpoch: bigint;
};

/** Who fetches, with the leases of its session. */
export type Fetcher = Asker & { readonly leases: LeaseBook };

export class Delivery {
  readonly #log: MessageLog;
  readonly #wakeups: WakeupBus;
  readonly #waiters: Waiters;
  readonly #limits: Readonly<Record<LimitName, number>>;
  readonly #letters: Letters;
  readonly #rates: SendingRates;
  readonly #blocks: BlockLists;

  constructor({ log, wakeups, waiters, letters, rates, blocks, limits }: DeliveryParts) {
    this.#log = log;
    this.#wakeups = wakeups;
    this.#waiters = waiters;
    this.#limits = limits;
    this.#letters = letters;
    this.#rates = rates;
    this.#blocks = blocks;
  }

  /**
   * seq of the message, durable. E008, E009_QUEUE_FULL, E010, E018, E069_BLOCKED. A repeated idempotency key answers the
   * first seq.
   */
  async enqueue(recipientKey: IdentityKey, letter: Letter): Promise<bigint> {
    const entry = this.#letters.entryFor(recipientKey, letter);
    this.#rates.require(letter.sender, [entry]);
    const asked = this.#blocks.find(letter.sender, [entry]);
    const blocked = asked instanceof Promise ? await asked : asked;
    if (blocked !== undefined) throw new QpqError("E069_BLOCKED");
    const appended = await this.#log.append(entry);
    if (appended.kind === "full") {
      throw queueFull(appended, this.#limits.queueDepthMax);
    }
    // a duplicate too: the process that stored it may have ended before it could tell
    this.#wakeups.publish(entry.inbox, appended.kind === "stored" && appended.inTail);
    return appended.seq;
  }

  /** One payload to many, in one transaction; who has no room or blocks answers 0, the others have it. E016, E017, E018. */
  async batchEnqueue(recipientKeys: readonly IdentityKey[], letter: Letter): Promise<readonly bigint[]> {
    const entries = recipientKeys.map((key) => this.#letters.entryFor(key, letter));
    this.#letters.requireDistinct(entries);
    return await this.#sendAll(letter.sender, entries);
  }

  /**
   * Messages of their own each, in one transaction; several to one inbox keep their order. Who has no room or blocks
   * answers 0, the others have theirs. E008, E010, E016, E018.
   */
  async send(
    sender: Sender,
    letters: readonly { recipientKey: IdentityKey; letter: Letter }[],
  ): Promise<readonly bigint[]> {
    const entries = letters.map(({ recipientKey, letter }) => this.#letters.entryFor(recipientKey, letter));
    this.#letters.requireFew(entries);
    return await this.#sendAll(sender, entries);
  }

  /** Looks, removes nothing. */
  async peek(query: FetchQuery): Promise<ReadAnswer> {
    return this.#read(query, query.after, this.#countOf(query));
  }

  /** Removes up to and including seqUpTo, durably, idempotently; with a storeEpoch of another time nothing. */
  async ack(inbox: InboxKey, seqUpTo: bigint, storeEpoch: bigint): Promise<void> {
    await this.#log.ack(inbox, seqUpTo, storeEpoch);
  }

  /** fetch with keep: acknowledges up to `after`, leases nothing. */
  async fetchKeeping(query: FetchQuery): Promise<ReadAnswer> {
    if (query.after > 0n) await this.#log.ack(query.inbox, query.after, query.storeEpoch);
    return this.peek(query);
  }

  /** Leases what it answers to the caller's session. */
  async fetch(query: FetchQuery, caller: Fetcher): Promise<Fetched> {
    const { inbox, after } = query;
    return caller.leases.lease({ inbox, after, limit: this.#countOf(query), asker: caller }, (after, limit) =>
      this.#read(query, after, limit),
    );
  }

  /** `look` again and again until it finds enough, the time is over, the server drains or the caller leaves. */
  wait<A>(waiting: Waiting<A>, timeoutMs: number): void {
    this.#waiters.wait(waiting, Math.min(timeoutMs, this.#limits.fetchWaitMsMax));
  }

  /** Seqs in the order of the entries; 0 where the inbox is full, or its owner blocks the sender. */
  async #sendAll(sender: Sender, entries: readonly Append[]): Promise<readonly bigint[]> {
    this.#rates.require(sender, entries);
    const asked = this.#blocks.find(sender, entries);
    const blocked: Blocked = asked instanceof Promise ? await asked : asked;
    if (blocked === undefined) return await this.#appendAll(entries);
    const seqs = (await this.#appendAll(entries.filter((_, i) => !blocked[i]))).values();
    return entries.map((_, i) => (blocked[i] ? 0n : (seqs.next().value as bigint)));
  }

  /** Seqs in the order of the entries; 0 where the inbox is full. */
  async #appendAll(entries: readonly Append[]): Promise<readonly bigint[]> {
    if (entries.length === 0) return [];
    const appended = await this.#log.appendAll(entries);
    return appended.map((one, i) => {
      if (one.kind === "full") return 0n;
      this.#wakeups.publish((entries[i] as Append).inbox, one.kind === "stored" && one.inTail);
      return one.seq;
    });
  }

  #read({ inbox, storeEpoch }: FetchQuery, after: bigint, limit: number): Promise<ReadAnswer> {
    return this.#log.read({ inbox, after, storeEpoch, limit, bytesMax: this.#limits.answerBytesMax });
  }

  #countOf({ limit }: FetchQuery): number {
    const most = this.#limits.fetchMessagesMax;
    return limit === 0 ? most : Math.min(limit, most);
  }
}

function queueFull({ ofSender }: Extract<Appended, { kind: "full" }>, depthMax: number): QpqError {
  const fields = { depthMax };
  if (ofSender === undefined) return new QpqError("E009_QUEUE_FULL", { retryAfterMs: 1_000, fields });
  const text = "the sender's share of the recipient's inbox is full";
  return new QpqError("E009_QUEUE_FULL", { retryAfterMs: 1_000, fields, text });
}
