/** Senders to the inboxes of a crowd, over connections that are renewed as the sdk does: at set times, or as fast as it goes. */
import { type AuthFields, type IdentityKey, protocolVersion, QpqError } from "quicproquo-proto";
import { ReconnectingClient } from "quicproquo-sdk";
import { answerParent } from "../answer-parent.ts";
import { closedLoop, type LoopOptions } from "../closed-loop.ts";
import type { FrontEndAddress } from "../delivery/clients.ts";
import { MessageKeys } from "../message-keys.ts";
import { machineMs } from "../open-loop/clock.ts";
import { OpenLoop } from "../open-loop/open-loop.ts";
import { type Recorded, Recorder } from "../open-loop/recorder.ts";
import { dueTimesMs } from "../open-loop/schedule.ts";
import { recipientsOf } from "../workload.ts";
import { writeMessage } from "./message.ts";
import { type Page, SeqBook } from "./seq-book.ts";
import { quicAddressOf } from "./server-address.ts";

export type SendersTask = {
  /** Connection n is to the one of n modulo their number. */
  readonly frontEnds: readonly FrontEndAddress[];
  readonly connections: number;
  /** Of the crowd: its name, how many there are. */
  readonly inboxes: string;
  readonly count: number;
  readonly payloadBytes: number;
};

export type SendTask = {
  readonly perSecond: number;
  readonly seconds: number;
  readonly seed: number;
};

export type Sent = {
  /** Durable, since the start of the program. */
  readonly acknowledged: number;
  /** Whose outcome is not known: given up. */
  readonly unknown: number;
};

type Sender = { readonly client: ReconnectingClient; readonly auth: AuthFields };

/** Within which a message is sent again and again while the server is away. */
const giveUpAfterMs = 120_000;
/** Of one load under way; one that is due beyond that is missed, and counted. */
const inFlightMax = 20_000;
/** Prime: every inbox gets its turn, and neighbours in time are far apart. */
const stride = 7_919;
const none = new Uint8Array();
const keys = new MessageKeys();
let payloadBytes = 0;
let recipients: readonly IdentityKey[] = [];
let senders: readonly Sender[] = [];
let books: readonly SeqBook[] = [];
let number = 0;
let acknowledged = 0;
let unknown = 0;
let stopping = new AbortController();

answerParent({
  connect: async (task: SendersTask) => {
    ({ payloadBytes } = task);
    recipients = recipientsOf(task.inboxes, task.count);
    books = recipients.map(() => new SeqBook());
    senders = Array.from({ length: task.connections }, (_, i) => senderTo(task.frontEnds, i));
    await Promise.all(senders.map(({ client }) => client.call("health", {})));
  },
  /** An open loop; answers when nothing is under way any more. */
  send: async ({ perSecond, seconds, seed }: SendTask): Promise<Recorded> => {
    stopping = new AbortController();
    const recorder = new Recorder(seconds);
    const startMs = machineMs();
    const phases = [{ seconds, fromPerSecond: perSecond, toPerSecond: perSecond }];
    let dueMs = 0;
    function* noted(): Generator<number, void, void> {
      for (dueMs of dueTimesMs({ phases, warmUpSeconds: 0, spacing: "poisson", seed })) yield dueMs;
    }
    // a message is begun before the next due time is drawn
    const once = async (): Promise<void> => await sendOne(startMs + dueMs);
    const { signal } = stopping;
    const drainMs = giveUpAfterMs;
    await new OpenLoop({ dueTimesMs: noted(), startMs, once, recorder, inFlightMax, drainMs, signal }).run();
    return recorder.recorded();
  },
  /** What is sent at set times ends now; that answer comes when nothing is under way. */
  stop: () => stopping.abort(),
  /** A closed loop: as many as go. */
  run: (loop: Omit<LoopOptions, "request">) => closedLoop({ ...loop, request: () => sendOne(machineMs()) }),
  sent: (): Sent => ({ acknowledged, unknown }),
  pages: (): readonly Page[] => books.map((book, inbox) => book.page(inbox)),
  entries: ({ inbox }: { readonly inbox: number }) => books[inbox]?.entries() ?? [],
});

function senderTo(frontEnds: readonly FrontEndAddress[], i: number): Sender {
  const frontEnd = frontEnds[i % frontEnds.length] as FrontEndAddress;
  return {
    client: new ReconnectingClient({ server: quicAddressOf(frontEnd), giveUpAfterMs }),
    auth: { version: protocolVersion, accessToken: Buffer.from(frontEnd.token), deviceId: none },
  };
}

async function sendOne(dueMs: number): Promise<void> {
  const n = number++;
  const inbox = (n * stride) % recipients.length;
  const { client, auth } = senders[n % senders.length] as Sender;
  const params = {
    recipientKey: recipients[inbox] as IdentityKey,
    payload: writeMessage({ dueMs, number: n }, payloadBytes),
    channelId: none,
    version: protocolVersion,
    auth,
    ttlSecs: 0,
    idempotencyKey: keys.next(),
  };
  try {
    const { seq } = await client.call("enqueue", params);
    acknowledged += 1;
    (books[inbox] as SeqBook).set(Number(seq), n);
  } catch (error) {
    if (error instanceof QpqError && error.kind === "unavailable") unknown += 1;
    throw error;
  }
}
