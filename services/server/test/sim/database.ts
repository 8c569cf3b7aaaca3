/**
 * The database that all front-ends share: the store in memory, whose calls take effect one after the other, with an
 * epoch that can be raised as `qpq-server promote` does: for nothing, or because a standby took over that had not yet
 * heard of the last commits.
 */
import type { InboxKey } from "quicproquo-proto";
import {
  type Append,
  type Appended,
  createMemoryStore,
  type Cursor,
  type GroupCommit,
  type GroupCommitted,
  type MemoryStoreOptions,
  type MessageLog,
  type ReadAnswer,
  type ReadQuery,
  type Store,
} from "../../src/store/index.ts";

type Inbox = { acked: bigint /** Of seq 1 and so on, acknowledged or not. */; readonly payloads: Uint8Array[] };

export type Survivor = { readonly inbox: InboxKey; readonly seq: bigint; readonly payload: Uint8Array };

export class Database {
  /** What no fault is played with. */
  readonly calmPorts: Pick<Store, "keys" | "accounts" | "channels" | "blobs">;
  storeEpoch = 1n;
  /** When the last commits were lost, ms of the world. */
  failedOverAtMs = 0;
  /** What stood in the inboxes then, by the last seq. */
  readonly #survived = new Map<InboxKey, bigint>();
  readonly #options: MemoryStoreOptions;
  #memory: MessageLog;
  /** The store's own. */
  #memoryEpoch: bigint;
  /** Everything that took effect, to do it again. */
  readonly #journal: (() => Promise<unknown>)[] = [];
  readonly #inboxes = new Map<InboxKey, Inbox>();
  readonly #lost = new Set<string>();
  /** Their payloads. */
  readonly #lostTexts = new Set<string>();

  constructor(options: MemoryStoreOptions) {
    const { log, keys, accounts, channels, blobs } = createMemoryStore(options);
    this.#options = options;
    this.#memory = log;
    this.#memoryEpoch = BigInt(options.clock());
    this.calmPorts = { keys, accounts, channels, blobs };
  }

  raiseEpoch(): void {
    this.storeEpoch++;
  }

  /** A standby takes over that lacks the last `calls` that wrote. Within one step. */
  async failOver(calls: number, nowMs: number): Promise<void> {
    const before = [...this.survivors()];
    this.#journal.splice(Math.max(0, this.#journal.length - calls));
    this.#inboxes.clear();
    this.#memory = createMemoryStore(this.#options).log;
    this.#memoryEpoch = BigInt(this.#options.clock());
    for (const again of this.#journal) await again();
    for (const { inbox, seq, payload } of before) {
      if (this.holds(inbox, seq, payload)) continue;
      this.#lost.add(nameOf(inbox, seq, payload));
      this.#lostTexts.add(textOf(payload));
    }
    for (const [inbox, { payloads }] of this.#inboxes) this.#survived.set(inbox, BigInt(payloads.length));
    this.failedOverAtMs = nowMs;
    this.raiseEpoch();
  }

  /** All messages that were ever stored and not lost. */
  *survivors(): Iterable<Survivor> {
    for (const [inbox, { payloads }] of this.#inboxes) {
      for (const [i, payload] of payloads.entries()) yield { inbox, seq: BigInt(i + 1), payload };
    }
  }

  /** The last message that the standby had. Of readers who looked before it took over, none has seen a later one. */
  lastSurvivorOf(inbox: InboxKey): bigint {
    return this.#survived.get(inbox) ?? 0n;
  }

  ackedOf(inbox: InboxKey): bigint {
    return this.#inboxes.get(inbox)?.acked ?? 0n;
  }

  /** Removed since, or not. */
  holds(inbox: InboxKey, seq: bigint, payload: Uint8Array): boolean {
    const stored = this.#inboxes.get(inbox)?.payloads[Number(seq) - 1];
    return stored !== undefined && Buffer.compare(stored, payload) === 0;
  }

  /** Stored once, and now nowhere. */
  hasLostAllOf(payload: Uint8Array): boolean {
    const text = textOf(payload);
    for (const survivor of this.survivors()) if (textOf(survivor.payload) === text) return false;
    return this.wasLost(payload);
  }

  /** Once; it may have come back since. */
  wasLost(payload: Uint8Array): boolean {
    return this.#lostTexts.has(textOf(payload));
  }

  /** By a standby that took over. */
  hasLost(inbox: InboxKey, seq: bigint, payload: Uint8Array): boolean {
    return this.#lost.has(nameOf(inbox, seq, payload));
  }

  /** What a front-end that is told at once would see. */
  hasNews(inbox: InboxKey, after: bigint): boolean {
    const stored = this.#inboxes.get(inbox);
    const last = BigInt(stored?.payloads.length ?? 0);
    return stored !== undefined && last > stored.acked && last > after;
  }

  /** Each call takes effect in the step it is made in. */
  readonly log: MessageLog = {
    append: (entry) => this.#do(() => this.#append(entry)),
    appendAll: (entries) => this.#do(() => this.#appendAll(entries)),
    commitGroup: (commit) => this.#do(() => this.#commit(commit)),
    read: (query) => this.#read(query),
    ack: async (inbox, upTo, storeEpoch) => {
      if (storeEpoch !== 0n && storeEpoch !== this.storeEpoch) return false;
      return await this.#do(() => this.#ack(inbox, upTo));
    },
    sweep: (rowsMax) => this.#memory.sweep(rowsMax),
  };

  readHeads(cursors: readonly Cursor[]): InboxKey[] {
    const isNews = ({ inbox, after, storeEpoch }: Cursor): boolean =>
      this.hasNews(inbox, storeEpoch === 0n || storeEpoch === this.storeEpoch ? after : 0n);
    return cursors.filter(isNews).map(({ inbox }) => inbox);
  }

  async #read(query: ReadQuery): Promise<ReadAnswer> {
    const { storeEpoch } = this;
    const answer = await this.#memory.read({ ...query, storeEpoch: this.#inside(query.storeEpoch) });
    return { ...answer, storeEpoch };
  }

  /** As the store in memory knows it, which was never promoted: an older epoch is one of another time there too. */
  #inside(storeEpoch: bigint): bigint {
    if (storeEpoch === 0n) return 0n;
    return storeEpoch === this.storeEpoch ? this.#memoryEpoch : this.#memoryEpoch + 1n;
  }

  #do<T>(call: () => Promise<T>): Promise<T> {
    this.#journal.push(call);
    return call();
  }

  async #append(entry: Append): Promise<Appended> {
    const appended = await this.#memory.append(entry);
    if (appended.kind === "stored") this.#stored(entry, appended.seq);
    return appended;
  }

  async #appendAll(entries: readonly Append[]): Promise<readonly Appended[]> {
    const appended = await this.#memory.appendAll(entries);
    for (const [i, one] of appended.entries()) if (one.kind === "stored") this.#stored(entries[i] as Append, one.seq);
    return appended;
  }

  async #commit(commit: GroupCommit): Promise<GroupCommitted> {
    const committed = await this.#memory.commitGroup(commit);
    if (committed.kind === "accepted") {
      for (const [i, entry] of commit.entries.entries()) this.#stored(entry, committed.seqs[i] as bigint);
    }
    return committed;
  }

  async #ack(inbox: InboxKey, upTo: bigint): Promise<boolean> {
    const stored = this.#inboxes.get(inbox);
    if (stored !== undefined) {
      const last = BigInt(stored.payloads.length);
      stored.acked = [stored.acked, upTo < last ? upTo : last].reduce((one, other) => (one > other ? one : other));
    }
    return await this.#memory.ack(inbox, upTo, 0n);
  }

  #stored({ inbox, payload }: Append, seq: bigint): void {
    const stored = this.#inboxes.get(inbox) ?? { acked: 0n, payloads: [] };
    this.#inboxes.set(inbox, stored);
    stored.payloads[Number(seq) - 1] = payload;
  }
}

function nameOf(inbox: InboxKey, seq: bigint, payload: Uint8Array): string {
  return `${inbox} ${seq} ${textOf(payload)}`;
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString("latin1");
}
