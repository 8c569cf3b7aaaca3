/**
 * Those who read in a trial, one an inbox, each by one of the ways there are. A reader enters what it received, then
 * acknowledges it, and enters the acknowledgement when it was confirmed. On an error it goes on at another front-end,
 * behind what it received or from the beginning.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { EnvelopeFields, GapFields } from "quicproquo-proto";
import type { Answer } from "quicproquo-rpc";
import type { RawClient } from "../../e2e/raw-client.ts";
import { RawSession, TestSink } from "../../e2e/raw-session.ts";
import type { Book } from "./book.ts";
import { inboxNameOf } from "./messages.ts";
import type { Seat } from "./seat.ts";
import { within } from "./senders.ts";

export const ways = ["peek", "fetch", "fetchWait", "held", "subscribe"] as const;
export type Way = (typeof ways)[number];

export type ReaderOptions = {
  readonly seat: Seat;
  readonly book: Book;
  readonly recipientKey: Uint8Array;
  readonly way: Way;
  /** Of one fetchWait. */
  readonly waitMs: number;
};

const pollMs = 200;
const heldMax = 3;

/** Until its seat's time is over. */
export async function readAll(options: ReaderOptions): Promise<void> {
  await new Reader(options).run();
}

class Reader {
  readonly #options: ReaderOptions;
  readonly #inbox: string;
  /** What it knows to be received. */
  #cursor = 0n;
  #storeEpoch = 0n;
  /** Where it reads on; 0 = from the beginning, at times, after an error. */
  #after = 0n;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#inbox = inboxNameOf(options.recipientKey);
  }

  async run(): Promise<void> {
    const { seat, way } = this.#options;
    const read = {
      peek: this.#peek,
      fetch: this.#fetch,
      fetchWait: this.#fetch,
      held: this.#hold,
      subscribe: this.#subscribe,
    }[way];
    for (;;) {
      const client = await seat.client();
      if (client === undefined) return;
      try {
        await read.call(this, client);
      } catch (error) {
        await seat.recover(error);
        this.#after = seat.random() < 0.3 ? 0n : this.#cursor;
      }
    }
  }

  async #peek(client: RawClient): Promise<void> {
    const { recipientKey, seat } = this.#options;
    const where = { recipientKey, storeEpoch: this.#storeEpoch };
    const signal = AbortSignal.timeout(seat.patienceMs());
    const { payloads, gap } = await client.call("peek", { ...where, after: this.#after }, { signal });
    if (!this.#take(payloads, gap)) return void (await pause(pollMs));
    await client.call("ack", { ...where, storeEpoch: this.#storeEpoch, seqUpTo: this.#cursor }, { signal });
    this.#confirm(this.#cursor);
  }

  /** The next fetch acknowledges what the one before brought. */
  async #fetch(client: RawClient): Promise<void> {
    const { recipientKey, way, waitMs, seat } = this.#options;
    const after = this.#after;
    const params = { recipientKey, keep: true, after, storeEpoch: this.#storeEpoch };
    const { payloads, gap } =
      way === "fetch"
        ? await client.call("fetch", params, { signal: AbortSignal.timeout(seat.patienceMs()) })
        : await client.call(
            "fetchWait",
            { ...params, timeoutMs: BigInt(waitMs) },
            { signal: AbortSignal.timeout(waitMs + seat.patienceMs()) },
          );
    if (after > 0n) this.#confirm(after);
    if (!this.#take(payloads, gap) && way === "fetch") await pause(pollMs);
  }

  /** Several answers at a time are leased and not finished; then they are, in any order. What is lost with them comes again. */
  async #hold(client: RawClient): Promise<void> {
    const { recipientKey, seat, waitMs } = this.#options;
    const held: Answer<unknown>[] = [];
    try {
      while (held.length < heldMax) {
        // only the first waits: what is leased is not there for the others
        const timeoutMs = held.length === 0 ? waitMs : 0;
        const signal = AbortSignal.timeout(timeoutMs + seat.patienceMs());
        const params = { recipientKey, timeoutMs: BigInt(timeoutMs), limit: 20 };
        const answer = client.start("fetchWait", params, { holdFinish: true, signal });
        held.push(answer);
        const { payloads, gap } = await client.results("fetchWait", answer);
        if (!this.#take(payloads, gap)) break;
      }
      await pause(50 * seat.random());
    } catch (error) {
      // the server hears nothing of it
      client.close();
      throw error;
    }
    for (const answer of held.sort(() => seat.random() - 0.5)) answer.finish();
  }

  async #subscribe(client: RawClient): Promise<void> {
    const { recipientKey, seat } = this.#options;
    using session = new RawSession(client.service, seat.token);
    const sink = new TestSink();
    const inbox = session.inbox(recipientKey);
    using subscription = inbox.subscribe(sink, { after: this.#after, storeEpoch: this.#storeEpoch });
    const refused = Promise.withResolvers<never>();
    subscription.then(() => undefined, refused.reject);
    // it may come while nobody waits for it, and is asked for the next time
    refused.promise.catch(() => undefined);
    const over = new Promise<void>((resolve) => seat.over.addEventListener("abort", () => resolve()));
    const isOver = () => seat.over.aborted;
    while (!isOver()) {
      const change = sink.until(() => sink.pushes.length > 0 || sink.isEnded || sink.isReleased);
      await Promise.race([change, refused.promise, over]);
      const pushes = sink.pushes.splice(0);
      for (const { envelopes, gap } of pushes) this.#take(envelopes, gap);
      if (sink.ended !== undefined) throw sink.ended;
      if (sink.isReleased) throw new Error("the subscription is gone");
      if (pushes.length === 0) continue;
      const upTo = this.#cursor;
      await within(inbox.ack(upTo, this.#storeEpoch), AbortSignal.timeout(seat.patienceMs()));
      this.#confirm(upTo);
    }
  }

  /** Whether there was something. */
  #take(envelopes: readonly EnvelopeFields[], gap: GapFields): boolean {
    const { book, seat } = this.#options;
    if (gap.kind !== "none") book.toldLost(this.#inbox, gap.upTo, gap.kind);
    this.#storeEpoch = gap.storeEpoch;
    for (const { seq, data, expired } of envelopes) {
      if (expired) book.toldLost(this.#inbox, seq, "tombstone");
      else book.receive(this.#inbox, seq, data, seat.place);
      this.#cursor = seq;
    }
    this.#after = this.#cursor;
    return envelopes.length > 0;
  }

  #confirm(upTo: bigint): void {
    if (upTo > 0n) this.#options.book.remove(this.#inbox, upTo, this.#options.seat.place);
  }
}
