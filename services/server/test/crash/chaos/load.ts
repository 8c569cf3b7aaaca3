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
/** So long that hints decide. */
const quietWaitMs = 45_000;

export function startLoad(options: LoadOptions): RunningLoad {
  const { book, over, frontEnds } = options;
  let isOver = false;
  let seats = 0;
  const seat = (name: string): Seat => {
    const random = randomOf(options.seed * 1_000 + seats++);
    return new Seat({
      name,
      frontEnds,
      random,
      over,
      onUnexpected: (what) => book.unexpected(what),
      onRefused: (code) => {
        book.refused[code] = (book.refused[code] ?? 0) + 1;
      },
    });
  };
  const readers: Promise<void>[] = [];
  const read = (recipientKey: Uint8Array, how: { readonly way: Way; readonly waitMs: number }): void => {
    readers.push(readAll({ seat: seat(`reader ${readers.length} (${how.way})`), book, recipientKey, ...how }));
  };
  const busy = Array.from({ length: options.busyInboxes }, (_, i) => recipientKeyOf(`busy ${i}`));
  for (const [i, key] of busy.entries()) read(key, { way: ways[i % ways.length] as Way, waitMs: busyWaitMs });
  const quiet = Array.from({ length: options.quietInboxes }, (_, i) => recipientKeyOf(`quiet ${i}`));
  for (const [i, key] of quiet.entries())
    read(key, { way: waitingWays[i % waitingWays.length] as Way, waitMs: quietWaitMs });

  const senders: Promise<void>[] = [];
  const pauseMs = pacer(options);
  const send = (
    kind: (options: SenderOptions) => Promise<void>,
    recipientKeys: readonly Uint8Array[],
    pauseBetween = pauseMs,
  ): void => {
    const sender = senders.length;
    const own = seat(`sender ${sender}`);
    senders.push(
      kind({ seat: own, book, sender, recipientKeys, isOver: () => isOver, pauseMs: () => pauseBetween(own.random) }),
    );
  };
  const some = (count: number, from: number): Uint8Array[] =>
    Array.from({ length: Math.min(count, busy.length) }, (_, i) => busy[(from + i) % busy.length] as Uint8Array);
  for (let i = 0; i < options.enqueuers; i++) send(enqueueAll, some(4, 3 * i));
  for (let i = 0; i < options.batchers; i++) send(batchAll, some(batchRecipients, 5 * i));
  for (let i = 0; i < options.sessionSenders; i++) send(sendAll, some(batchRecipients / 2, 7 * i));
  for (const key of quiet) send(pingAll, [key], (random) => 400 * random());
  for (let group = 0; group < options.groups; group++) {
    const rivals = [0, 1].map((rival) => seat(`rival ${rival} of group ${group}`));
    const memberKeys = some(membersAGroup, group);
    const pauseBetween = () => 100 + pauseMs(rivals[0]?.random ?? Math.random);
    senders.push(commitAll({ seats: rivals, book, group, memberKeys, isOver: () => isOver, pauseMs: pauseBetween }));
  }
  return {
    async stopSenders(msMax) {
      isOver = true;
      const late = AbortSignal.timeout(msMax);
      const isLate = new Promise((resolve) => late.addEventListener("abort", resolve));
      await Promise.race([Promise.all(senders), isLate]);
    },
    ended: Promise.all([...readers, ...senders]),
  };
}

/** A little longer between two calls while more was acknowledged than is aimed at, nothing while it is less. */
function pacer({ book, perSecond }: Pick<LoadOptions, "book" | "perSecond">): (random: () => number) => number {
  const beganAtMs = performance.now();
  return (random) => {
    const aheadMs = (book.acknowledged / perSecond) * 1_000 - (performance.now() - beganAtMs);
    return Math.min(Math.max(aheadMs, 0), 500) * (0.5 + random());
  };
}
