/**
 * Those who read in a simulated world, one an inbox, each by one of the ways there are. A reader enters into the book what
 * it received, then acknowledges it, and enters that when it was confirmed. After an error it reads on behind what it
 * received; when its own process ends it has forgotten everything.
 */
import type { EnvelopeFields, GapFields } from "quicproquo-proto";
import type { Answer } from "quicproquo-rpc";
import { inboxNameOf } from "../crash/chaos/messages.ts";
import { nameOf } from "../crash/chaos/time-line.ts";
import type { RawClient } from "../e2e/raw-client.ts";
import { type RawInbox, RawSession, TestSink } from "../e2e/raw-session.ts";
import type { Books } from "./books.ts";
import type { Database } from "./database.ts";
import { callMsMax, type Seat } from "./seat.ts";
import { fractionOf } from "./virtual-time.ts";

export const ways = ["peek", "fetch", "fetchWait", "held", "removing", "piped", "subscribe", "subscribe"] as const;
type Way = (typeof ways)[number];

export type ReaderParts = {
  readonly seat: Seat;
  readonly books: Books;
  readonly database: Database;
  readonly recipientKey: Uint8Array;
  readonly way: Way;
  /** For the time line. */
  readonly tell: (text: () => string) => void;
};

const pollMs = 100;
/** Longer than anybody may sleep beside a message. */
const waitMsMin = 6_000;
const heldMax = 3;

/** What is known of an inbox; 0 = nothing. */
type Known = { readonly cursor: bigint; readonly storeEpoch: bigint };
const nothingKnown: Known = { cursor: 0n, storeEpoch: 0n };

export class SimulatedReader {
  readonly seat: Seat;
  readonly #parts: ReaderParts;
  readonly #inbox: string;
  #known = nothingKnown;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.seat = parts.seat;
    this.#inbox = inboxNameOf(parts.recipientKey);
  }

  /** The process ends and another begins. */
  crash(): void {
    this.#known = nothingKnown;
    this.seat.leave();
  }

  /** Until its seat's time is over. */
  async run(): Promise<void> {
    const { way } = this.#parts;
    const read = {
      peek: this.#peek,
      fetch: this.#fetch,
      fetchWait: this.#fetch,
      held: this.#hold,
      removing: this.#hold,
      piped: this.#pipe,
      subscribe: this.#subscribe,
    }[way];
    for (let client = await this.seat.client(); client !== undefined; client = await this.seat.client()) {
      const using = client;
      try {
        await read.call(this, using);
      } catch (error) {
        await this.seat.recover(error);
      }
    }
  }

  async #peek(client: RawClient): Promise<void> {
    const { cursor, storeEpoch } = this.#known;
    const query = { recipientKey: this.#parts.recipientKey, after: cursor, storeEpoch };
    const { payloads, gap } = await this.seat.patiently((signal) => client.call("peek", query, { signal }));
    if (this.#take(payloads, gap)) await this.#acknowledge(client);
    else await this.seat.time.pause(pollMs);
  }

  /** The next fetch acknowledges what the one before brought. */
  async #fetch(client: RawClient): Promise<void> {
    const { way, recipientKey } = this.#parts;
    const before = this.#known;
    const timeoutMs = way === "fetch" ? 0 : this.#waitMs;
    const query = { recipientKey, keep: true, after: before.cursor, storeEpoch: before.storeEpoch };
    const { payloads, gap } = await this.seat.patiently(
      (signal) =>
        way === "fetch"
          ? client.call("fetch", query, { signal })
          : client.call("fetchWait", { ...query, timeoutMs: BigInt(timeoutMs) }, { signal }),
      this.#patienceMs(timeoutMs),
    );
    this.#confirm(before);
    if (!this.#take(payloads, gap) && way === "fetch") await this.seat.time.pause(pollMs);
  }

  /** Answers are leased; several at a time, finished later in any order, or each at once. What is lost comes again. */
  async #hold(client: RawClient): Promise<void> {
    const { way, recipientKey } = this.#parts;
    const most = way === "held" ? heldMax : 1;
    const held: Answer<unknown>[] = [];
    try {
      while (held.length < most) {
        // only the first waits: what is leased is not there for the others
        const timeoutMs = held.length === 0 ? this.#waitMs : 0;
        const params = { recipientKey, timeoutMs: BigInt(timeoutMs) };
        const { payloads, gap } = await this.seat.patiently(async (signal) => {
          const answer = client.start("fetchWait", params, { holdFinish: way === "held", signal });
          held.push(answer);
          return await client.results("fetchWait", answer);
        }, this.#patienceMs(timeoutMs));
        if (!this.#take(payloads, gap)) break;
      }
      if (way === "held") await this.seat.time.pause(50 * fractionOf(this.seat.random));
    } catch (error) {
      // the server hears nothing of those that were held
      if (held.length > 1) this.seat.leave();
      throw error;
    }
    if (this.seat.random.chance(50)) held.reverse();
    for (const answer of held) answer.finish();
    if (this.seat.random.chance(30)) await this.#acknowledge(client);
  }

  /** Two calls wait at a time; what they answer is leased, and comes in the order of the seqs. */
  async #pipe(client: RawClient): Promise<void> {
    const { recipientKey } = this.#parts;
    const wait = async (): Promise<void> => {
      for (;;) {
        const timeoutMs = this.#waitMs;
        const params = { recipientKey, timeoutMs: BigInt(timeoutMs) };
        const { payloads, gap } = await this.seat.patiently(
          (signal) => client.call("fetchWait", params, { signal }),
          this.#patienceMs(timeoutMs),
        );
        this.#take(payloads, gap);
      }
    };
    try {
      await Promise.all([wait(), wait()]);
    } finally {
      // what the other one still waits for must not come behind what is fetched next
      this.seat.leave();
    }
  }

  async #subscribe(client: RawClient): Promise<void> {
    const { cursor, storeEpoch } = this.#known;
    using session = new RawSession(client.service, this.seat.token);
    const sink = new TestSink();
    const inbox = session.inbox(this.#parts.recipientKey);
    using _ = disposing(inbox);
    using subscription = inbox.subscribe(sink, { after: cursor, storeEpoch, window: this.seat.random.below(4) });
    const refused = Promise.withResolvers<never>();
    subscription.then(() => undefined, refused.reject);
    refused.promise.catch(() => undefined); // it is asked for in the loop
    for (;;) {
      const change = sink.until(() => sink.pushes.length > 0 || sink.isEnded || sink.isReleased);
      await Promise.race([change, refused.promise]);
      const pushes = sink.pushes.splice(0);
      for (const { envelopes, gap } of pushes) this.#take(envelopes, gap);
      if (sink.ended !== undefined) throw sink.ended;
      if (sink.isReleased) throw new Error("the subscription is gone");
      if (this.#known.cursor === 0n) continue;
      const known = this.#known;
      await this.seat.patiently(() => inbox.ack(known.cursor, known.storeEpoch));
      this.#confirm(known);
    }
  }

  async #acknowledge(client: RawClient): Promise<void> {
    const known = this.#known;
    const params = { recipientKey: this.#parts.recipientKey, storeEpoch: known.storeEpoch, seqUpTo: known.cursor };
    await this.seat.patiently((signal) => client.call("ack", params, { signal }));
    this.#confirm(known);
  }

  /** Whether there was something. */
  #take(envelopes: readonly EnvelopeFields[], gap: GapFields): boolean {
    const { books, database, tell } = this.#parts;
    const isReset = gap.kind === "epochReset" && database.storeEpoch > 1n;
    if (gap.kind !== "none" && !isReset) books.toldLost(this.#inbox, gap.upTo, gap.kind);
    // who asks behind nothing is not told of a reset, and what it knew of another store epoch names other messages now
    const isAnother = gap.storeEpoch !== this.#known.storeEpoch;
    let cursor = isReset ? gap.upTo : isAnother ? 0n : this.#known.cursor;
    for (const { seq, data, expired } of envelopes) {
      if (expired) books.toldLost(this.#inbox, seq, "tombstone");
      else books.receive({ inbox: this.#inbox, seq, payload: data }, gap.storeEpoch, this.seat.place);
      cursor = seq;
    }
    this.#known = { cursor, storeEpoch: gap.storeEpoch };
    const seqs = envelopes.map(({ seq }) => seq);
    tell(
      () =>
        `${this.seat.place} takes ${nameOf({ inbox: this.#inbox, seq: 0n })}: ${seqs.join(" ")} ${gap.kind} ${gap.upTo}`,
    );
    return envelopes.length > 0;
  }

  #confirm({ cursor, storeEpoch }: Known): void {
    if (cursor > 0n) this.#parts.books.remove({ inbox: this.#inbox, upTo: cursor }, storeEpoch, this.seat.place);
  }

  /** At times it leaves early: what it cancels may have been answered. */
  #patienceMs(timeoutMs: number): number {
    const { random } = this.seat;
    return random.chance(15) ? 300 * fractionOf(random) : callMsMax + timeoutMs;
  }

  get #waitMs(): number {
    return waitMsMin + Math.floor(3_000 * fractionOf(this.seat.random));
  }
}

function disposing({ answer, capability }: RawInbox): Disposable {
  return {
    [Symbol.dispose]() {
      capability[Symbol.dispose]();
      answer[Symbol.dispose]();
    },
  };
}
