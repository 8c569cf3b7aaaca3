/**
 * The database that all front-ends share: the store in memory, whose calls take effect one after the other, with an
 * epoch that can be raised as `qpq-server promote` does. Nothing is lost with that; cursors are no longer believed.
 */
import type { InboxKey } from "quicproquo-proto";
import {
  type Clock,
  createMemoryStore,
  type Cursor,
  type KeyStore,
  type MessageLog,
  type ReadAnswer,
  type ReadQuery,
  type StoreLimits,
} from "../../src/store/index.ts";

type Depth = { last: bigint; acked: bigint };

export class Database {
  readonly keys: KeyStore;
  storeEpoch = 1n;
  readonly #memory: MessageLog;
  /** The store's own. */
  readonly #memoryEpoch: bigint;
  readonly #depths = new Map<InboxKey, Depth>();

  constructor(limits: StoreLimits, clock: Clock) {
    const { log, keys } = createMemoryStore({ limits, clock });
    this.#memory = log;
    this.#memoryEpoch = BigInt(clock());
    this.keys = keys;
  }

  raiseEpoch(): void {
    this.storeEpoch++;
  }

  /** What a front-end that is told at once would see. */
  hasNews(inbox: InboxKey, after: bigint): boolean {
    const depth = this.#depths.get(inbox);
    return depth !== undefined && depth.last > depth.acked && depth.last > after;
  }

  /** Each call takes effect in the step it is made in. */
  readonly log: MessageLog = {
    append: async (entry) => {
      const appended = await this.#memory.append(entry);
      if (appended.kind !== "full") this.#stored(entry.inbox, appended.seq);
      return appended;
    },
    appendAll: async (entries) => {
      const appended = await this.#memory.appendAll(entries);
      for (const [i, one] of appended.entries()) {
        if (one.kind !== "full") this.#stored((entries[i] as (typeof entries)[number]).inbox, one.seq);
      }
      return appended;
    },
    commitGroup: async (commit) => {
      const committed = await this.#memory.commitGroup(commit);
      if ("seqs" in committed) {
        for (const [i, { inbox }] of commit.entries.entries()) this.#stored(inbox, committed.seqs[i] ?? 0n);
      }
      return committed;
    },
    read: (query) => this.#read(query),
    ack: async (inbox, upTo, storeEpoch) => {
      const isRemoved = await this.#memory.ack(inbox, upTo, this.#inside(storeEpoch));
      const depth = this.#depths.get(inbox);
      if (isRemoved && depth !== undefined) {
        depth.acked = max(depth.acked, upTo < depth.last ? upTo : depth.last);
      }
      return isRemoved;
    },
    sweep: (rowsMax) => this.#memory.sweep(rowsMax),
  };

  readHeads(cursors: readonly Cursor[]): InboxKey[] {
    return cursors.filter(({ inbox, after }) => this.hasNews(inbox, after)).map(({ inbox }) => inbox);
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

  #stored(inbox: InboxKey, seq: bigint): void {
    const depth = this.#depths.get(inbox) ?? { last: 0n, acked: 0n };
    this.#depths.set(inbox, { ...depth, last: max(depth.last, seq) });
  }
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
