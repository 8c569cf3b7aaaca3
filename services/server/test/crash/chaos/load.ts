/** Who is at work in a trial: how many of which kind, and on which inboxes. */
import { randomOf } from "../../../testing/seed.ts";
import type { Book } from "./book.ts";
import { commitAll } from "./committers.ts";
import type { FrontEnd } from "./front-end.ts";
import { recipientKeyOf } from "./messages.ts";
import { readAll, type Way, ways } from "./readers.ts";
import { Seat } from "./seat.ts";
import { batchAll, enqueueAll, pingAll, type SenderOptions, sendAll } from "./senders.ts";

export type Load = {
  /** Inboxes with much traffic; their readers take all ways in turn. */
  readonly busyInboxes: number;
  /** Senders of each kind, to busy inboxes. */
  readonly enqueuers: number;
  readonly batchers: number;
  readonly sessionSenders: number;
  /** Inboxes to which one message at a time is sent: their readers wait, and nothing but a hint tells them. */
  readonly quietInboxes: number;
  /** Groups of ten members with two rivals each. */
  readonly groups: number;
  /** Messages acknowledged in a second that senders aim at. */
  readonly perSecond: number;
};

export type LoadOptions = Load & {
  readonly seed: number;
  readonly book: Book;
  readonly over: AbortSignal;
  readonly frontEnds: readonly FrontEnd[];
};

export type RunningLoad = {
  /** No sender begins another message; resolves when each is told of its last, or the time is over. */
  stopSenders(msMax: number): Promise<void>;
  /** When the trial is over. */
  readonly ended: Promise<unknown>;
};

const membersAGroup = 10;
const batchRecipients = 32;
const waitingWays: readonly Way[] = ["fetchWait", "subscribe", "held"];
const busyWaitMs = 5_000;
const pingMsMax = 400;
/** Between two commits of a rival, at least. */
const commitMsMin = 100;
/** So long that hints decide. */
const quietWaitMs = 45_000;

export function startLoad(options: LoadOptions): RunningLoad {
  const crew = new Crew(options);
  const busy = Array.from({ length: options.busyInboxes }, (_, i) => recipientKeyOf(`busy ${i}`));
  const quiet = Array.from({ length: options.quietInboxes }, (_, i) => recipientKeyOf(`quiet ${i}`));
  for (const [i, key] of busy.entries()) crew.read(key, { way: inTurn(ways, i), waitMs: busyWaitMs });
  for (const [i, key] of quiet.entries()) crew.read(key, { way: inTurn(waitingWays, i), waitMs: quietWaitMs });
  const some = (count: number, from: number): Uint8Array[] =>
    Array.from({ length: Math.min(count, busy.length) }, (_, i) => inTurn(busy, from + i));
  for (let i = 0; i < options.enqueuers; i++) crew.send(enqueueAll, some(4, 3 * i));
  for (let i = 0; i < options.batchers; i++) crew.send(batchAll, some(batchRecipients, 5 * i));
  for (let i = 0; i < options.sessionSenders; i++) crew.send(sendAll, some(batchRecipients / 2, 7 * i));
  for (const key of quiet) crew.send(pingAll, [key]);
  for (let group = 0; group < options.groups; group++) crew.commit(group, some(membersAGroup, group));
  return crew;
}

function inTurn<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

class Crew implements RunningLoad {
  readonly #options: LoadOptions;
  readonly #pauseMs: (random: () => number) => number;
  readonly #readers: Promise<void>[] = [];
  readonly #senders: Promise<void>[] = [];
  #seats = 0;
  #isOver = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#pauseMs = pacer(options);
  }

  read(recipientKey: Uint8Array, how: { readonly way: Way; readonly waitMs: number }): void {
    const seat = this.#seat(`reader ${this.#readers.length} (${how.way})`);
    this.#readers.push(readAll({ seat, book: this.#options.book, recipientKey, ...how }));
  }

  send(kind: (options: SenderOptions) => Promise<void>, recipientKeys: readonly Uint8Array[]): void {
    const sender = this.#senders.length;
    const seat = this.#seat(`sender ${sender}`);
    const pauseMs = () => (kind === pingAll ? pingMsMax * seat.random() : this.#pauseMs(seat.random));
    const { book } = this.#options;
    this.#senders.push(kind({ seat, book, sender, recipientKeys, isOver: () => this.#isOver, pauseMs }));
  }

  commit(group: number, memberKeys: readonly Uint8Array[]): void {
    const seats = [0, 1].map((rival) => this.#seat(`rival ${rival} of group ${group}`));
    const pauseMs = () => commitMsMin + this.#pauseMs(Math.random);
    const { book } = this.#options;
    this.#senders.push(commitAll({ seats, book, group, memberKeys, isOver: () => this.#isOver, pauseMs }));
  }

  async stopSenders(msMax: number): Promise<void> {
    this.#isOver = true;
    const late = AbortSignal.timeout(msMax);
    const isLate = new Promise((resolve) => late.addEventListener("abort", resolve));
    await Promise.race([Promise.all(this.#senders), isLate]);
  }

  get ended(): Promise<unknown> {
    return Promise.all([...this.#readers, ...this.#senders]);
  }

  #seat(name: string): Seat {
    const { seed, frontEnds, over, book } = this.#options;
    return new Seat({
      name,
      frontEnds,
      random: randomOf(seed * 1_000 + this.#seats++),
      over,
      onUnexpected: (what) => book.unexpected(what),
      onRefused: (code) => {
        book.refused[code] = (book.refused[code] ?? 0) + 1;
      },
    });
  }
}

/** A little longer between two calls while more was acknowledged than is aimed at, nothing while it is less. */
function pacer({ book, perSecond }: Pick<LoadOptions, "book" | "perSecond">): (random: () => number) => number {
  const beganAtMs = performance.now();
  return (random) => {
    const aheadMs = (book.acknowledged / perSecond) * 1_000 - (performance.now() - beganAtMs);
    return Math.min(Math.max(aheadMs, 0), 500) * (0.5 + random());
  };
}
