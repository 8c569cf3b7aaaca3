/**
 * The subscriptions of this front-end, one an inbox: a newer one ends the older, so that a reader that comes back after
 * a loss is not kept out by its own former self. One at another front-end is ended by a claim, if the bus carries it:
 * best effort, for one that stays pushes what the newer one pushes too.
 */
import { randomBytes } from "node:crypto";
import { type InboxKey, type LimitName, QpqError } from "quicproquo-proto";
import type { Clock, MessageLog, WakeupBus } from "../store/port.ts";
import { spread } from "../spread.ts";
import type { PushBudget } from "./push-budget.ts";
import type { FoundCounts, Reader } from "./readers.ts";
import type { SafetySweep } from "./safety-sweep.ts";
import { type Sink, Subscription } from "./subscription.ts";

/** Nobody is without a subscription for longer than that because of a drain. */
const retryAfterMsMax = 1_000;

export type SubscriptionsParts = {
  readonly log: MessageLog;
  readonly wakeups: WakeupBus;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly subscriptionsMax: number;
  readonly clock: Clock;
  /** Undefined where hints are never lost. */
  readonly sweep?: SafetySweep | undefined;
  readonly found: FoundCounts;
};

export type SubscribeQuery = {
  readonly inbox: InboxKey;
  /** Push seq > after; 0 = from the beginning. */
  readonly after: bigint;
  /** The epoch `after` was learnt in; 0 = unknown. */
  readonly storeEpoch: bigint;
  /** Messages, and payload bytes, in pushes that were not taken; 0 or more than the server's limit = that limit. */
  readonly window: number;
  readonly windowBytes: number;
};

export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #open = new Map<InboxKey, Subscription>();
  #lastClaimMs = 0;
  #draining = false;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#open.size;
  }

  get readers(): Iterable<Reader> {
    return this.#open.values();
  }

  /**
   * The first push comes in any case and says where the inbox stands; removes nothing. The older subscription on the
   * inbox ends with E062_SUBSCRIPTION_REPLACED. Throws E021_OVERLOADED, E033_SHUTTING_DOWN; the sink is then untouched.
   */
  open(query: SubscribeQuery, sink: Sink, budget: PushBudget): Subscription {
    const { log, wakeups, limits, subscriptionsMax, sweep, found } = this.#parts;
    if (this.#draining) throw new QpqError("E033_SHUTTING_DOWN");
    const { inbox } = query;
    const older = this.#open.get(inbox);
    if (older === undefined && this.#open.size >= subscriptionsMax) {
      throw new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000, fields: { subscriptionsMax } });
    }
    const subscription = new Subscription({
      log,
      wakeups,
      inbox,
      after: query.after,
      storeEpoch: query.storeEpoch,
      window: within(query.window, limits.subscribeWindowMax),
      windowBytes: within(query.windowBytes, limits.subscribeWindowBytesMax),
      messagesMax: limits.fetchMessagesMax,
      budget,
      sweep,
      found,
      claim: this.#nextClaim(),
      sink,
      onEnd: () => {
        if (this.#open.get(inbox) === subscription) this.#open.delete(inbox);
      },
    });
    this.#open.set(inbox, subscription);
    older?.end(new QpqError("E062_SUBSCRIPTION_REPLACED"));
    return subscription;
  }

  /** The later the greater: always at one front-end, and between two once they are further apart than their clocks. */
  #nextClaim(): string {
    this.#lastClaimMs = Math.max(this.#parts.clock(), this.#lastClaimMs + 1);
    return `${this.#lastClaimMs.toString().padStart(15, "0")} ${randomBytes(8).toString("hex")}`;
  }

  /**
   * Every reader is told to go elsewhere, one after the other within `spreadMs` and each with a time of its own to wait, so
   * that they don't all arrive there in the same moment; no one can subscribe here any more. Resolves when all are told.
   */
  async drain(spreadMs = 0): Promise<void> {
    this.#draining = true;
    const waitMsMax = Math.min(spreadMs, retryAfterMsMax);
    await spread([...this.#open.values()], spreadMs, (subscription) => {
      subscription.end(new QpqError("E033_SHUTTING_DOWN", { retryAfterMs: Math.floor(Math.random() * waitMsMax) }));
    });
  }
}

function within(asked: number, max: number): number {
  return asked === 0 ? max : Math.min(asked, max);
}
