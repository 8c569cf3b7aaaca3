/** Some of a crowd's clients, in one process: each with a connection, a socket and an inbox of its own. */
import { QpqError } from "quicproquo-proto";
import { answerParent } from "../answer-parent.ts";
import type { FrontEndAddress } from "../delivery/clients.ts";
import { machineMs } from "../open-loop/clock.ts";
import { type Recorded, Recorder } from "../open-loop/recorder.ts";
import { recipientOf } from "../workload.ts";
import { readMessage } from "./message.ts";
import { Poller, type Reader, Subscriber } from "./reader.ts";
import { type Page, SeqBook } from "./seq-book.ts";
import { quicAddressOf } from "./server-address.ts";

export type ReadersTask = {
  /** Reader n is at the one of n modulo their number. */
  readonly frontEnds: readonly FrontEndAddress[];
  readonly inboxes: string;
  /** Numbers of inboxes: count from `from` on. */
  readonly from: number;
  readonly count: number;
  readonly by: "subscribe" | "fetchWait";
  readonly acknowledges: boolean;
};

export type ReadersStatus = {
  readonly received: number;
  readonly repeated: number;
  readonly gaps: number;
  /** Connections lost since `watch`. */
  readonly losses: number;
  /** Clients that lost one since, and those of them that were told anew. */
  readonly lost: number;
  readonly back: number;
};

/** Of the clients that lost their connection since `watch`: when at first, and when they were told at last. machineMs. */
export type Returns = { readonly lostAtMs: readonly number[]; readonly backAtMs: readonly number[] };

type Client = {
  readonly reader: Reader;
  readonly book: SeqBook;
  lostAtMs: number | undefined;
  backAtMs: number | undefined;
};

/** Of the longest watch: a stretch of the recorder is a second. */
const watchedSeconds = 3_600;

const clients = new Map<number, Client>();
let received = 0;
let losses = 0;
let recorder = new Recorder(watchedSeconds);
let watchedFromMs = 0;

answerParent({
  /** Answers when each has been told where its inbox stands. */
  connect: async ({ from, count, ...task }: ReadersTask) => {
    await Promise.all(Array.from({ length: count }, (_, i) => come(from + i, task)));
  },
  /** From now on latencies are those of what is due from now on, and losses are new ones. */
  watch: () => {
    watchedFromMs = machineMs();
    recorder = new Recorder(watchedSeconds);
    losses = 0;
    for (const client of clients.values()) [client.lostAtMs, client.backAtMs] = [undefined, undefined];
  },
  status: (): ReadersStatus => {
    const cursors = [...clients.values()].map(({ reader }) => reader.cursor);
    const sumOf = (name: "repeated" | "gaps"): number => cursors.reduce((sum, cursor) => sum + cursor[name], 0);
    const lost = [...clients.values()].filter(({ lostAtMs }) => lostAtMs !== undefined);
    const back = lost.filter(({ backAtMs }) => backAtMs !== undefined).length;
    return { received, repeated: sumOf("repeated"), gaps: sumOf("gaps"), losses, lost: lost.length, back };
  },
  returns: (): Returns => {
    const timesOf = (name: "lostAtMs" | "backAtMs"): number[] =>
      [...clients.values()].map((client) => client[name]).filter((time) => time !== undefined);
    return { lostAtMs: timesOf("lostAtMs"), backAtMs: timesOf("backAtMs") };
  },
  /** Of what came since the last question: from when it was due until it was here. */
  latencies: (): Recorded => {
    const taken = recorder.recorded();
    recorder = new Recorder(watchedSeconds);
    return taken;
  },
  pages: (): readonly Page[] => [...clients].map(([inbox, { book }]) => book.page(inbox)),
  entries: ({ inbox }: { readonly inbox: number }) => clients.get(inbox)?.book.entries() ?? [],
  /** These lose their connections. */
  lose: ({ inboxes }: { readonly inboxes: readonly number[] }) => {
    for (const inbox of inboxes) clients.get(inbox)?.reader.lose();
  },
});

type Coming = Omit<ReadersTask, "from" | "count">;

function come(inbox: number, { frontEnds, inboxes, by, acknowledges }: Coming): Promise<void> {
  const frontEnd = frontEnds[inbox % frontEnds.length] as FrontEndAddress;
  const book = new SeqBook();
  const back = Promise.withResolvers<void>();
  const options = {
    server: quicAddressOf(frontEnd),
    accessToken: Buffer.from(frontEnd.token),
    recipientKey: recipientOf(inboxes, inbox),
    acknowledges,
    onMessage: (seq: number, payload: Uint8Array) => take(book, seq, payload),
    onBack: () => {
      back.resolve();
      client.backAtMs = machineMs();
    },
    onLost: () => {
      losses += 1;
      client.lostAtMs ??= machineMs();
      client.backAtMs = undefined;
    },
  };
  const reader = by === "subscribe" ? new Subscriber(options) : new Poller(options);
  const client: Client = { reader, book, lostAtMs: undefined, backAtMs: undefined };
  clients.set(inbox, client);
  reader.run().catch(fail);
  return back.promise;
}

function take(book: SeqBook, seq: number, payload: Uint8Array): void {
  const { dueMs, number } = readMessage(payload);
  received += 1;
  book.set(seq, number);
  const sinceMs = dueMs - watchedFromMs;
  recorder.done({ dueMs: sinceMs, beganMs: sinceMs, endedMs: machineMs() - watchedFromMs });
}

/** What is measured without it would mean something else. */
function fail(error: unknown): void {
  process.stderr.write(`a reader ended: ${error instanceof QpqError ? error.message : String(error)}\n`);
  process.exit(1);
}
