/**
 * The hot tail: what was appended a moment ago to inboxes that are read by subscription, so that a reader who is told of
 * it need not ask Postgres. All of it may be missing at any time; then the reader asks Postgres, as without it.
 *
 * A front-end writes what its own commits have stored, after they have; it tells readers afterwards, and says with the
 * hint that it was written (port.ts, `inTail`). What could not be written after all is told again without that. One
 * connection carries both, so the entry is there when the hint arrives; in a Redis Cluster, where they may go to different
 * nodes, the hint waits for the write. A node that forgets what it has taken (a failover to a replica of it) may keep a
 * message from its reader until the next one or the safety sweep.
 *
 * Who reads is learnt from the claims of subscriptions, and from what goes on reading, at least every 2 * announceMs: who
 * writes keeps it in mind for longer. A front-end that has not heard of a reader writes nothing, and says so with its hint.
 *
 * The epoch in a stream's name is that of the commit: a reader with a cursor of another one finds nothing, and is told by
 * Postgres. What another reader has acknowledged may be found until the acknowledgement's trim has arrived.
 */
import type { IdentityKey, InboxKey } from "quicproquo-proto";
import type { Append, Clock, StoredMessage, TailAnswer, TailQuery } from "../port.ts";
import type { StoredAppends } from "../postgres/appends.ts";
import { wholeMs } from "../packing/codec.ts";
import type { RedisMode } from "./address.ts";
import type { RedisNodes } from "./nodes.ts";
import { type Partition, partitionOf, partitions } from "./partitions.ts";
import { RecentInboxes } from "./recent-inboxes.ts";
import { decodeTailEntry, encodeTailEntry, tailName } from "./tail-entry.ts";
import { TailReads } from "./tail-reads.ts";

export type TailParts = {
  readonly nodes: RedisNodes;
  readonly mode: RedisMode;
  readonly clock: Clock;
  /** Larger payloads are read from Postgres. */
  readonly payloadBytesMax: number;
  /** Tells all front-ends that somebody reads the inbox. */
  readonly announce: (inbox: InboxKey) => void;
  /** Tells its readers to look into Postgres. */
  readonly tell: (inbox: InboxKey) => void;
};

/** Readers come within some ms; what it is kept for longer costs memory: 0.9 to 4.3 KB a message. */
const lifeMs = 10_000;
/** Of a stream, about: Redis trims whole nodes of it. */
const entriesMax = 64;
/** A call of a script: about 1 ms of Redis. */
const atOnceMax = 100;
/** On their way to Redis; beyond it nothing is written. */
const bytesInFlightMax = 8 * 1024 * 1024;
/** For a hint, in a Redis Cluster, until its entry is written. */
const hintWaitsMsMax = 50;

const seqMax = 2n ** 63n - 2n;

const readersLifeMs = 60_000;
const announceMs = 15_000;

/** Answers which entries were refused, but for those that come behind a later one: these are a hole that readers see. */
const writeScript = `
local refused = {}
for i, key in ipairs(KEYS) do
  local added = redis.pcall('XADD', key, 'MAXLEN', '~', ${entriesMax}, ARGV[2 * i - 1] .. '-0', 'm', ARGV[2 * i])
  if type(added) ~= 'table' then redis.call('PEXPIRE', key, ${lifeMs})
  elseif not string.find(added.err, 'equal or smaller', 1, true) then refused[#refused + 1] = i end
end
return refused`;

const trimScript = `for i, key in ipairs(KEYS) do redis.call('XTRIM', key, 'MINID', ARGV[i]) end`;

type Entry = { readonly inbox: InboxKey; readonly words: readonly [name: string, seq: number, body: Buffer] };
type Trim = readonly [name: string, minId: string];

export class RedisTail {
  readonly #parts: TailParts;
  readonly #reads: TailReads;
  readonly #readers = new RecentInboxes<true>({ lifeMs: readersLifeMs });
  readonly #announced = new RecentInboxes<true>({ lifeMs: announceMs });
  /** The last seq that was answered here. */
  readonly #answered = new RecentInboxes<bigint>({ lifeMs });
  #trims = new Map<Partition, Trim[]>();
  readonly #writing = new Map<Partition, Promise<boolean>>();
  #bytesInFlight = 0;
  #storeEpoch = 0n;
  #hits = 0;
  #misses = 0;
  #written = 0;

  constructor(parts: TailParts) {
    this.#parts = parts;
    this.#reads = new TailReads(parts.nodes);
  }

  get counts(): { readonly hits: number; readonly misses: number; readonly written: number } {
    return { hits: this.#hits, misses: this.#misses, written: this.#written };
  }

  /** A subscription at any front-end claims the inbox. */
  noteReader(inbox: InboxKey): void {
    this.#readers.set(inbox, true);
  }

  /** After their commit. Answers of which entries readers may be told that they are here; undefined: of none. */
  write({ storeEpoch, nowMs, entries, seqs }: StoredAppends): readonly boolean[] | undefined {
    let isInTail: boolean[] | undefined;
    const groups = new Map<Partition, Entry[]>();
    for (const [i, entry] of entries.entries()) {
      const seq = seqs[i];
      if (seq === undefined || !this.#takes(entry)) continue;
      const { inbox } = entry;
      const partition = this.#partitionOf(inbox);
      const words = [tailName(partition, inbox, storeEpoch), seq, encodeTailEntry(entry, nowMs)] as const;
      add(groups, partition, { inbox, words });
      isInTail ??= entries.map(() => false);
      isInTail[i] = true;
    }
    this.#noteEpoch(storeEpoch);
    for (const [partition, group] of groups) {
      for (let at = 0; at < group.length; at += atOnceMax) this.#send(partition, group.slice(at, at + atOnceMax));
    }
    return isInTail;
  }

  /** Whether what is being written for the inbox is there; false also when nobody knows yet. undefined: it is, or nothing is. */
  written(inbox: InboxKey): Promise<boolean> | undefined {
    return this.#parts.mode === "single" ? undefined : this.#writing.get(this.#partitionOf(inbox));
  }

  /** After the acknowledgement's commit. One by who reads here leaves nothing that it could read. */
  trim(inbox: InboxKey, upTo: bigint, storeEpoch: bigint): void {
    if (upTo > (this.#answered.get(inbox) ?? 0n)) this.#remove(inbox, upTo, storeEpoch);
  }

  /** After the end of all inboxes of a person or device. */
  forget(identity: IdentityKey): void {
    for (const inbox of this.#readers.inboxesOf(identity)) this.#remove(inbox, seqMax, 0n);
  }

  #remove(inbox: InboxKey, upTo: bigint, storeEpoch: bigint): void {
    const epoch = storeEpoch === 0n ? this.#storeEpoch : storeEpoch;
    if (epoch === 0n || this.#readers.get(inbox) === undefined) return;
    if (this.#trims.size === 0) setImmediate(() => this.#sendTrims());
    const partition = this.#partitionOf(inbox);
    add(this.#trims, partition, [tailName(partition, inbox, epoch), `${upTo + 1n}-0`]);
  }

  /** MessageLog.readTail. */
  read(query: TailQuery): Promise<TailAnswer | undefined> | undefined {
    const { inbox, inTail, storeEpoch } = query;
    if (this.#announced.get(inbox) === undefined) {
      this.#announced.set(inbox, true);
      this.#parts.announce(inbox);
    }
    this.#noteEpoch(storeEpoch);
    if (!inTail) return undefined;
    const partition = this.#partitionOf(inbox);
    const name = tailName(partition, inbox, storeEpoch);
    const answer = this.#reads.read(partition, { name, after: query.after, limit: query.limit });
    if (answer === undefined) this.#misses++;
    return answer?.then(({ entries, isAll }) => this.#answerOf(query, entries, isAll));
  }

  #answerOf(query: TailQuery, entries: readonly unknown[], isAll: boolean): TailAnswer | undefined {
    const nowMs = wholeMs(this.#parts.clock());
    const messages: StoredMessage[] = [];
    let bytes = 0;
    for (const one of entries) {
      const entry = decodeTailEntry(one);
      // a hole, a tombstone: Postgres tells of them
      if (entry?.seq !== query.after + BigInt(messages.length + 1) || entry.expiresAtMs <= nowMs) break;
      const { seq, payload, enqueuedAtMs } = entry;
      bytes += payload.length;
      if (messages.length > 0 && bytes > query.bytesMax) break;
      messages.push({ seq, payload, enqueuedAtMs, expired: false });
    }
    if (messages.length === 0) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#answered.set(query.inbox, query.after + BigInt(messages.length));
    return { messages, isAll: isAll && messages.length === entries.length };
  }

  /** It is only ever raised. */
  #noteEpoch(storeEpoch: bigint): void {
    if (storeEpoch > this.#storeEpoch) this.#storeEpoch = storeEpoch;
  }

  #takes({ inbox, payload }: Append): boolean {
    return (
      payload.length <= this.#parts.payloadBytesMax &&
      this.#bytesInFlight <= bytesInFlightMax &&
      this.#readers.get(inbox) !== undefined &&
      this.#parts.nodes.linkOf(this.#partitionOf(inbox)) !== undefined
    );
  }

  /** One Redis has no slots: there all is one partition, and travels together. */
  #partitionOf(inbox: InboxKey): Partition {
    return this.#parts.mode === "single" ? (partitions[0] as Partition) : partitionOf(inbox);
  }

  #send(partition: Partition, entries: readonly Entry[]): void {
    const names = entries.map(({ words: [name] }) => name);
    const bodies = entries.flatMap(({ words: [, seq, body] }) => [seq, body]);
    const bytes = entries.reduce((sum, { words: [, , body] }) => sum + body.length, 0);
    this.#bytesInFlight += bytes;
    const call = this.#parts.nodes.linkOf(partition)?.call(["EVAL", writeScript, entries.length, ...names, ...bodies]);
    const written = Promise.resolve(call).then((answer) => {
      this.#bytesInFlight -= bytes;
      const refused = Array.isArray(answer) ? answer.map((i) => Number(i) - 1) : [...entries.keys()];
      this.#written += entries.length - refused.length;
      for (const i of refused) this.#parts.tell((entries[i] as Entry).inbox);
      return refused.length === 0;
    });
    if (this.#parts.mode === "single") return;
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, hintWaitsMsMax, false).unref());
    const ended = Promise.race([written, late]);
    this.#writing.set(partition, ended);
    void ended.then(() => this.#writing.get(partition) === ended && this.#writing.delete(partition));
  }

  #sendTrims(): void {
    const trims = this.#trims;
    this.#trims = new Map();
    for (const [partition, all] of trims) {
      for (let at = 0; at < all.length; at += atOnceMax) {
        const some = all.slice(at, at + atOnceMax);
        const [names, ids] = [some.map(([name]) => name), some.map(([, id]) => id)];
        // what it leaves is gone after lifeMs
        void this.#parts.nodes.linkOf(partition)?.call(["EVAL", trimScript, some.length, ...names, ...ids]);
      }
    }
  }
}

function add<T>(groups: Map<Partition, T[]>, partition: Partition, one: T): void {
  const group = groups.get(partition);
  if (group === undefined) groups.set(partition, [one]);
  else group.push(one);
}
