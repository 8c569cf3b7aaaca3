/**
 * Those who send in a trial: one call at a time, the same again with the same idempotency key until it is acknowledged,
 * then the next one.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { RawClient } from "../../e2e/raw-client.ts";
import { RawSession } from "../../e2e/raw-session.ts";
import type { Book } from "./book.ts";
import { idempotencyKeyOf, inboxNameOf, payloadOf } from "./messages.ts";
import type { Seat } from "./seat.ts";

/** What senders need of a seat. */
export type SendersSeat = Pick<Seat, "insist" | "over" | "place" | "token">;

/** What is written of what they send. */
export type SendersBook = Pick<Book, "acknowledge" | "unexpected" | "untilReceived">;

export type SenderOptions = {
  readonly seat: SendersSeat;
  readonly book: SendersBook;
  readonly sender: number;
  /** Distinct. */
  readonly recipientKeys: readonly Uint8Array[];
  readonly isOver: () => boolean;
  /** Between two calls. */
  readonly pauseMs: () => number;
};

/** One message a call, to one recipient after the other. */
export async function enqueueAll(options: SenderOptions): Promise<void> {
  const { seat, recipientKeys } = options;
  for (let number = 0; !options.isOver(); number++) {
    const { payload, idempotencyKey } = letterOf(options, number);
    const recipientKey = recipientKeys[number % recipientKeys.length] as Uint8Array;
    const answer = await seat.insist((client, signal) =>
      client.call("enqueue", { recipientKey, payload, idempotencyKey }, { signal }),
    );
    if (answer === undefined) return;
    acknowledge(options, recipientKey, { seq: answer.seq, payload });
    await pause(options.pauseMs());
  }
}

/** One payload to all of them, in one call. */
export async function batchAll(options: SenderOptions): Promise<void> {
  const { seat, recipientKeys } = options;
  for (let number = 0; !options.isOver(); number++) {
    const { payload, idempotencyKey } = letterOf(options, number);
    const answer = await seat.insist((client, signal) =>
      client.call("batchEnqueue", { recipientKeys: [...recipientKeys], payload, idempotencyKey }, { signal }),
    );
    if (answer === undefined) return;
    for (const [i, seq] of answer.seqs.entries()) {
      acknowledge(options, recipientKeys[i] as Uint8Array, { seq, payload });
    }
    await pause(options.pauseMs());
  }
}

/** Messages of their own to all of them, two to each, in one call of a Session. */
export async function sendAll(options: SenderOptions): Promise<void> {
  const { seat, recipientKeys } = options;
  const each = [...recipientKeys, ...recipientKeys];
  let of: { readonly client: RawClient; readonly session: RawSession } | undefined;
  for (let number = 0; !options.isOver(); number += each.length) {
    const entries = each.map((recipientKey, i) => ({ recipientKey, ...letterOf(options, number + i) }));
    const seqs = await seat.insist(async (client, signal) => {
      if (of?.client !== client) of = { client, session: new RawSession(client.service, seat.token) };
      return await within(of.session.send(entries), signal);
    });
    if (seqs === undefined) return;
    for (const [i, seq] of seqs.entries()) {
      const { recipientKey, payload } = entries[i] as (typeof entries)[number];
      acknowledge(options, recipientKey, { seq, payload });
    }
    await pause(options.pauseMs());
  }
}

/** To one recipient, the next message when the one before has been received: its reader waits for each. */
export async function pingAll(options: SenderOptions): Promise<void> {
  const { seat, book, recipientKeys } = options;
  const recipientKey = recipientKeys[0] as Uint8Array;
  for (let number = 0; !options.isOver(); number++) {
    const { payload, idempotencyKey } = letterOf(options, number);
    const answer = await seat.insist((client, signal) =>
      client.call("enqueue", { recipientKey, payload, idempotencyKey }, { signal }),
    );
    if (answer === undefined) return;
    acknowledge(options, recipientKey, { seq: answer.seq, payload });
    await orOver(book.untilReceived(inboxNameOf(recipientKey), answer.seq), seat.over);
    await pause(options.pauseMs());
  }
}

/** Rejects when the signal comes first: a call on a Session takes none. */
export async function within<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>();
  const onAbort = (): void => late.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([call, late.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function orOver(promise: Promise<void>, over: AbortSignal): Promise<void> {
  if (over.aborted) return;
  await within(promise, over).catch(() => undefined);
}

function letterOf({ sender }: SenderOptions, number: number) {
  const message = { kind: "letter", sender, number } as const;
  return { payload: payloadOf(message), idempotencyKey: idempotencyKeyOf(message) };
}

type Acknowledged = { readonly seq: bigint; readonly payload: Uint8Array };

function acknowledge({ book, seat }: SenderOptions, recipientKey: Uint8Array, { seq, payload }: Acknowledged): void {
  if (seq === 0n) book.unexpected(`${seat.place} was told that an inbox is full`);
  else book.acknowledge(inboxNameOf(recipientKey), seq, payload, seat.place);
}
