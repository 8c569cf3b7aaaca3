/**
 * What one RPC session has been handed and has not yet taken. A leased message is not handed out again in the session;
 * it is removed from the inbox once the reader has taken it and every earlier one is gone; it stands again when the
 * answer was dropped or the session ends (wire.md, "fetch and fetchWait remove ...").
 *
 * An inbox here is a floor (everything up to it is gone) and leases above it, ascending and disjoint:
 *
 *     floor=3 | [4..6 taken? no] [7..9 taken] | free from 10        dropping 4..6 makes the next fetch begin at 4 again
 *
 * Each lease is open -> taken -> removed (when it is the lowest and touches the floor), or open -> dropped.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { Gap, ReadAnswer } from "../store/port.ts";

/** An answer whose messages are leased to one RPC session until the reader says what became of it. */
export type Fetched = ReadAnswer & {
  /** The reader has the answer: remove the messages. */
  readonly taken: () => void;
  /** The reader may not have it: the messages stand again. */
  readonly dropped: () => void;
};

type Lease = { readonly from: bigint; readonly to: bigint; taken: boolean };
type Book = {
  readonly inbox: InboxKey;
  floor: bigint;
  leases: Lease[];
  /** Epoch of floor and leases; 0 before the first read. */
  storeEpoch: bigint;
  /** The last fetch in the queue, and how many there are: fetches of one inbox run in turn. */
  lastFetch: Promise<unknown>;
  fetches: number;
  /** Removals on their way: until they are done a read still sees what was taken, and only the floor hides it. */
  removals: number;
};

/** Who waits for an answer. */
export type Asker = { readonly isGone: boolean };

export type LeaseQuery = {
  readonly inbox: InboxKey;
  readonly after: bigint;
  readonly limit: number;
  readonly asker: Asker;
};
type Read = (after: bigint, limit: number) => Promise<ReadAnswer>;
/**
 * Removes up to a seq; settles when no read sees what was removed. A failure is the callee's to count: an unremoved
 * message is handed out again, not lost.
 */
type Remove = (inbox: InboxKey, upTo: bigint, storeEpoch: bigint) => Promise<unknown> | void;

// a session that never takes what it fetched is held to this many answers
export const leasesPerSessionMax = 1_000;

export class LeaseBook {
  readonly #remove: Remove;
  readonly #books = new Map<InboxKey, Book>();
  #leases = 0;

  constructor(remove: Remove) {
    this.#remove = remove;
  }

  /** Reads the first free stretch behind `after` and leases it, unless the asker has gone meanwhile. E021_OVERLOADED at leasesPerSessionMax. */
  async lease(query: LeaseQuery, read: Read): Promise<Fetched> {
    if (this.#leases >= leasesPerSessionMax) {
      throw new QpqError("E021_OVERLOADED", {
        text: "too many fetched answers not yet taken",
        fields: { max: leasesPerSessionMax },
      });
    }
    const book = this.#bookOf(query.inbox);
    book.fetches++;
    // in turn: two reads at once would both see the same messages as free
    const turn = book.lastFetch.then(() => this.#leaseNow(book, query, read));
    book.lastFetch = turn.then(nothing, nothing);
    try {
      return await turn;
    } finally {
      book.fetches--;
      this.#forgetIfIdle(book);
    }
  }

  /** The session is gone: what wasn't removed stands again (for other sessions it always stood). */
  end(): void {
    for (const book of this.#books.values()) book.leases = [];
    this.#books.clear();
    this.#leases = 0;
  }

  async #leaseNow(book: Book, query: LeaseQuery, read: Read): Promise<Fetched> {
    let after = query.after;
    for (;;) {
      const stretch = freeStretch(book, after, query.limit);
      const answer = await read(stretch.after, stretch.limit);
      if (answer.storeEpoch !== book.storeEpoch) {
        const seen = book.storeEpoch !== 0n;
        this.#void(book, answer.storeEpoch);
        if (seen) continue;
      }
      // leased to nobody, they would be passed over by the fetch that comes next in the queue, and overtaken
      if (query.asker.isGone) return { ...answer, taken: nothing, dropped: nothing };
      const first = answer.messages[0];
      const toldUpTo = toldBehind(stretch.after, answer.gap);
      // the read began at the floor, so nothing below its first message is left
      if (first !== undefined && toldUpTo === undefined && stretch.after <= book.floor) {
        this.#raise(book, first.seq - 1n);
      }
      const next = stretch.nextLease;
      const messages = next === undefined ? answer.messages : answer.messages.filter(({ seq }) => seq < next.from);
      // the news of a gap is leased with the messages behind it, or alone: dropped, it is told again; taken, no more
      const from = toldUpTo === undefined ? first?.seq : stretch.after + 1n;
      const to = messages.at(-1)?.seq ?? (next === undefined ? toldUpTo : min(toldUpTo, next.from - 1n));
      if (from !== undefined && to !== undefined) return { ...answer, messages, ...this.#open(book, from, to) };
      if (first === undefined || next === undefined) return { ...answer, taken: nothing, dropped: nothing };
      after = max(after, next.to);
    }
  }

  #open(book: Book, from: bigint, to: bigint): Pick<Fetched, "taken" | "dropped"> {
    const lease: Lease = { from, to, taken: false };
    const at = book.leases.findIndex((other) => other.from > from);
    book.leases.splice(at === -1 ? book.leases.length : at, 0, lease);
    this.#leases++;
    return {
      taken: () => {
        if (!book.leases.includes(lease)) return;
        lease.taken = true;
        this.#raise(book, book.floor);
        this.#forgetIfIdle(book);
      },
      dropped: () => {
        const index = book.leases.indexOf(lease);
        if (index === -1) return;
        book.leases.splice(index, 1);
        this.#leases--;
        this.#forgetIfIdle(book);
      },
    };
  }

  /** Lifts the floor to `floor`, then over every taken lease that touches it, and removes what lies below. */
  #raise(book: Book, floor: bigint): void {
    book.floor = max(book.floor, floor);
    let removable: bigint | undefined;
    for (let lease = book.leases[0]; lease?.taken === true && lease.from <= book.floor + 1n; lease = book.leases[0]) {
      book.leases.shift();
      this.#leases--;
      book.floor = max(book.floor, lease.to);
      removable = book.floor;
    }
    if (removable === undefined) return;
    book.removals++;
    void Promise.resolve(this.#remove(book.inbox, removable, book.storeEpoch)).then(() => {
      book.removals--;
      this.#forgetIfIdle(book);
    });
  }

  /** seqs of another store epoch mean other messages: leases on them are void. */
  #void(book: Book, storeEpoch: bigint): void {
    this.#leases -= book.leases.length;
    book.leases = [];
    book.floor = 0n;
    book.storeEpoch = storeEpoch;
  }

  #bookOf(inbox: InboxKey): Book {
    let book = this.#books.get(inbox);
    if (book === undefined) {
      book = { inbox, floor: 0n, leases: [], storeEpoch: 0n, lastFetch: Promise.resolve(), fetches: 0, removals: 0 };
      this.#books.set(inbox, book);
    }
    return book;
  }

  /** Once everything taken is removed the floor only saves work: the map is bounded by leases and removals under way. */
  #forgetIfIdle(book: Book): void {
    const isIdle = book.fetches === 0 && book.leases.length === 0 && book.removals === 0;
    if (isIdle && this.#books.get(book.inbox) === book) this.#books.delete(book.inbox);
  }
}

function nothing(): void {}

/** How far the reader is told that messages are gone, if that is behind where the read began. */
function toldBehind(after: bigint, { kind, upTo }: Gap): bigint | undefined {
  return kind === "none" || upTo <= after ? undefined : upTo;
}

/** Where the first free message behind `after` can stand, and the lease that bounds it above. */
function freeStretch(
  book: Book,
  after: bigint,
  limit: number,
): { after: bigint; limit: number; nextLease: Lease | undefined } {
  let from = max(after, book.floor);
  for (const lease of book.leases) {
    if (lease.from > from + 1n) return { after: from, limit, nextLease: lease };
    from = max(from, lease.to);
  }
  return { after: from, limit, nextLease: undefined };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint | undefined, b: bigint): bigint | undefined {
  return a === undefined || a < b ? a : b;
}
