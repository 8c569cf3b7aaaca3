/**
 * One subscription: pushes what stands in an inbox behind a cursor, in order, as fast as the reader takes it, and removes
 * nothing (docs/wire.md, Session).
 *
 *     hint or room ──▶ read behind the cursor ──▶ push, cursor moves on ──▶ again, until there is nothing or no room
 *
 * The listener stands before the first read, and a hint during a read leads to another one, so an append in between is
 * not missed. Callbacks, not a loop of promises: one that waits is a few fields and an entry of the hub.
 *
 * Unacknowledged are the messages and bytes of pushes that were not taken. One message may always go when nothing is
 * under way, else both windows and the budget of the RPC session hold.
 */
import { type InboxKey, QpqError } from "quicproquo-proto";
import type {
  HintSource,
  MessageLog,
  ReadAnswer,
  ReadQuery,
  TailAnswer,
  WakeupBus,
  WakeupListener,
} from "../store/port.ts";
import type { PushBudget } from "./push-budget.ts";
import { creditOf, type FoundCounts, isNews, type LookSource, type Reader } from "./readers.ts";
import type { SafetySweep } from "./safety-sweep.ts";

/** The reader's side. */
export interface Sink {
  /** Resolves when the reader has taken it; rejects when it refuses or is gone. Arrives in the order of the calls. */
  deliver(answer: ReadAnswer): Promise<void>;
  /** Says why, and lets go of the reader. undefined: the reader itself ended it, nobody wants to know. Does not throw. */
  end(reason: QpqError | undefined): void;
}

export type SubscriptionParts = {
  readonly log: MessageLog;
  readonly wakeups: WakeupBus;
  readonly inbox: InboxKey;
  readonly after: bigint;
  readonly storeEpoch: bigint;
  /** Unacknowledged messages, at least 1. */
  readonly window: number;
  /** Unacknowledged payload bytes, at least 1. */
  readonly windowBytes: number;
  /** Of one push. */
  readonly messagesMax: number;
  readonly budget: PushBudget;
  readonly sweep: SafetySweep | undefined;
  readonly found: FoundCounts;
  /** Of two subscriptions on an inbox the one with the greater word is the newer. */
  readonly claim: string;
  readonly sink: Sink;
  readonly onEnd: () => void;
};

export class Subscription implements Reader, WakeupListener {
  readonly #parts: SubscriptionParts;
  readonly #onRoom = (): void => this.#look();
  #cursor: bigint;
  #storeEpoch: bigint;
  #messages = 0;
  #bytes = 0;
  #pushes = 0;
  /** The size of a message that was read and had no room. */
  #wantedBytes = 1;
  /** Something may stand behind the cursor, and what says so. */
  #hinted: LookSource | undefined;
  /** So said all that hinted. */
  #inTail = false;
  /** As an answer of the log has last told. */
  #acknowledged = 0n;
  #isReading = false;
  /** The first answer is pushed though it is empty: it says where the inbox stands. */
  #isTold = false;
  #isOver = false;

  /** Throws E021_OVERLOADED when the bus takes no more listeners. */
  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.#cursor = parts.after;
    this.#storeEpoch = parts.storeEpoch;
    const listening = parts.wakeups.subscribe(parts.inbox, this);
    if (listening === undefined) this.#begin();
    else void listening.then(() => this.#begin());
  }

  get inbox(): InboxKey {
    return this.#parts.inbox;
  }

  get after(): bigint {
    return this.#cursor;
  }

  get storeEpoch(): bigint {
    return this.#storeEpoch;
  }

  get isIdle(): boolean {
    return !this.#isReading && this.#hinted === undefined && !this.#isOver;
  }

  onHint(source: HintSource, inTail = false): void {
    const { sweep } = this.#parts;
    if (source === "reconnect" && sweep !== undefined) sweep.askSoon(this, source);
    else this.lookFor(source, inTail);
  }

  lookFor(source: HintSource, inTail = false): void {
    this.#inTail = inTail && (this.#hinted === undefined || this.#inTail);
    if (this.#hinted === undefined || source === "hint") this.#hinted = source;
    this.#look();
  }

  /** Also of one that is at another front-end. */
  onClaim(word: string): void {
    if (word > this.#parts.claim) this.end(new QpqError("E062_SUBSCRIPTION_REPLACED"));
  }

  #begin(): void {
    if (this.#isOver) return;
    this.#parts.wakeups.claim?.(this.#parts.inbox, this.#parts.claim);
    this.#hinted ??= "first";
    this.#look();
  }

  /** Nothing is pushed after it. With a reason the reader is told. */
  end(reason?: QpqError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.wakeups.unsubscribe(this.#parts.inbox, this);
    this.#parts.sweep?.forget(this);
    this.#parts.budget.forget(this.#onRoom);
    this.#parts.sink.end(reason);
    this.#parts.onEnd();
  }

  #look(): void {
    const source = this.#hinted;
    if (this.#isOver || this.#isReading || source === undefined) return;
    const { log, inbox, window, windowBytes, messagesMax, budget } = this.#parts;
    // what comes back, or the budget when it has room, looks again
    const roomForMessages = window - this.#messages;
    if (this.#pushes > 0 && (roomForMessages <= 0 || windowBytes - this.#bytes < this.#wantedBytes)) {
      return budget.forget(this.#onRoom);
    }
    const budgetBytes = budget.room(this.#onRoom);
    if (budgetBytes <= 0 || (budget.bytes > 0 && budgetBytes < this.#wantedBytes)) return budget.wait(this.#onRoom);
    this.#isReading = true;
    this.#hinted = undefined;
    const query = {
      inbox,
      after: this.#cursor,
      storeEpoch: this.#storeEpoch,
      limit: Math.min(Math.max(1, roomForMessages), messagesMax),
      bytesMax: Math.max(1, Math.min(windowBytes - this.#bytes, budgetBytes)),
    };
    const tail = source === "hint" && this.#isTold ? log.readTail?.({ ...query, inTail: this.#inTail }) : undefined;
    if (tail === undefined) this.#readLog(query, source);
    else void tail.then((found) => this.#readTail(query, found)); // never rejects
  }

  #readTail(query: ReadQuery, found: TailAnswer | undefined): void {
    if (found === undefined) return this.#readLog(query, "hint");
    const gap = { kind: "none", upTo: this.#acknowledged } as const;
    this.#read({ messages: found.messages, gap, storeEpoch: query.storeEpoch }, "hint", found.isAll);
  }

  #readLog(query: ReadQuery, source: LookSource): void {
    this.#parts.log.read(query).then(
      (answer) => {
        if (answer.gap.kind === "none") this.#acknowledged = answer.gap.upTo;
        this.#read(answer, source);
      },
      (error: unknown) => this.end(error instanceof QpqError ? error : new QpqError("E034_INTERNAL", { cause: error })),
    );
  }

  /** `isAll`: only another hint leads to another read. */
  #read(answer: ReadAnswer, source: LookSource, isAll = false): void {
    this.#isReading = false;
    if (this.#isOver) return;
    const { budget, found } = this.#parts;
    const isFound = isNews(answer);
    if (isFound || !this.#isTold) {
      let bytes = 0;
      for (const { payload } of answer.messages) bytes += payload.length;
      const hasRoom = this.#pushes === 0 || bytes <= this.#parts.windowBytes - this.#bytes;
      const hasBudget = budget.bytes === 0 || bytes <= budget.room(this.#onRoom);
      const credit = creditOf(source, this.#hinted);
      const isPushed = hasRoom && hasBudget;
      if (!isAll || !isPushed) {
        this.#hinted = credit;
        this.#inTail = false;
      }
      this.#wantedBytes = isPushed ? 1 : bytes;
      if (isPushed) {
        if (isFound) found[credit]++;
        this.#push(answer, bytes);
      }
    }
    if (this.#wantedBytes === 1) budget.forget(this.#onRoom);
    this.#look();
  }

  #push(answer: ReadAnswer, bytes: number): void {
    const { messages, gap, storeEpoch } = answer;
    const { budget, sink } = this.#parts;
    const lastSeq = messages.at(-1)?.seq ?? 0n;
    const known = storeEpoch === this.#storeEpoch || this.#storeEpoch === 0n ? this.#cursor : 0n;
    this.#cursor = [known, gap.upTo, lastSeq].reduce((a, b) => (a > b ? a : b));
    this.#storeEpoch = storeEpoch;
    this.#isTold = true;
    this.#messages += messages.length;
    this.#bytes += bytes;
    this.#pushes++;
    budget.take(bytes);
    const taken = (): void => {
      this.#messages -= messages.length;
      this.#bytes -= bytes;
      this.#pushes--;
      budget.giveBack(bytes);
      this.#look();
    };
    sink.deliver(answer).then(taken, () => {
      taken();
      this.end(new QpqError("E063_SINK_FAILED"));
    });
  }
}
