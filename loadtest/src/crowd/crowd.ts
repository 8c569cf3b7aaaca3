/** Clients of a scenario, spread over some processes: a process has memory, files and a core of its own. */
import { setTimeout } from "node:timers/promises";
import type { Histogram } from "hdr-histogram-js";
import type { FrontEndAddress } from "../delivery/clients.ts";
import { cpuUsOf } from "../cpu-time.ts";
import { type Recorded, Recorder } from "../open-loop/recorder.ts";
import { Peer } from "../peer.ts";
import type { Books } from "./ledger.ts";
import { requireRoom } from "./machine-room.ts";
import type { ReadersStatus, ReadersTask, Returns } from "./reader-load.ts";
import type { Page } from "./seq-book.ts";

export type CrowdOptions = {
  readonly frontEnds: readonly FrontEndAddress[];
  /** Of the inboxes, which its sender has in common with it. */
  readonly name: string;
  readonly subscribers: number;
  /** Clients that ask by fetchWait; their inboxes come behind those of the subscribers. */
  readonly pollers?: number;
  readonly acknowledges: boolean;
  readonly onProgress?: (connected: number) => void;
};

/** 100 MB of memory each with some 60 KB a client. */
const clientsAProcess = 2_500;
/** Coming at once in each process: a storm of handshakes is another measurement. */
const comingAtOnce = 16;
/** A client that does not come in so long shows that the machine cannot carry those that are there. */
const comeMsMax = 180_000;

export class Crowd implements AsyncDisposable {
  readonly size: number;
  readonly #drivers: readonly Peer[];

  private constructor(drivers: readonly Peer[], size: number) {
    this.#drivers = drivers;
    this.size = size;
  }

  /** Answers when each client has been told where its inbox stands. */
  static async start(options: CrowdOptions): Promise<Crowd> {
    const { subscribers, pollers = 0 } = options;
    const size = subscribers + pollers;
    const driverCount = Math.max(2, Math.ceil(size / clientsAProcess));
    requireRoom({ sockets: size, socketsAProcess: Math.ceil(size / driverCount) });
    const program = new URL("./reader-load.ts", import.meta.url);
    await using started = new AsyncDisposableStack();
    const drivers = Array.from({ length: driverCount }, () => started.use(Peer.start(program, undefined)));
    const queue = turnsOf(options);
    let connected = 0;
    // each driver takes the next turn when it has done the last
    const drive = async (driver: Peer): Promise<void> => {
      for (let turn = queue.shift(); turn !== undefined; turn = queue.shift()) {
        await within(comeMsMax, driver.ask("connect", turn), `of ${size} clients ${connected} have come`);
        connected += turn.count;
        options.onProgress?.(connected);
      }
    };
    await Promise.all(drivers.map(drive));
    started.move();
    return new Crowd(drivers, size);
  }

  /** User and system of all its processes. */
  cpuUs(): number {
    return this.#drivers.reduce((sum, { pid }) => sum + cpuUsOf(pid), 0);
  }

  /** From now on latencies are those of what is due from now on, and losses are new ones. */
  async watch(): Promise<void> {
    await this.#askAll("watch");
  }

  async status(): Promise<ReadersStatus> {
    const each = await this.#askAll<ReadersStatus>("status");
    const sumOf = (name: keyof ReadersStatus): number => each.reduce((sum, status) => sum + status[name], 0);
    return {
      received: sumOf("received"),
      repeated: sumOf("repeated"),
      gaps: sumOf("gaps"),
      losses: sumOf("losses"),
      lost: sumOf("lost"),
      back: sumOf("back"),
    };
  }

  async returns(): Promise<Returns> {
    const each = await this.#askAll<Returns>("returns");
    return {
      lostAtMs: each.flatMap(({ lostAtMs }) => lostAtMs),
      backAtMs: each.flatMap(({ backAtMs }) => backAtMs),
    };
  }

  /** From when a message was due until its reader had it, of those since the last question. */
  async latencies(): Promise<Histogram> {
    const all = new Recorder(1);
    for (const recorded of await this.#askAll<Recorded>("latencies")) all.add(recorded);
    return all.latency;
  }

  async lose(inboxes: readonly number[]): Promise<void> {
    await this.#askAll("lose", { inboxes });
  }

  get books(): Books {
    return {
      pages: async () => (await this.#askAll<readonly Page[]>("pages")).flat(),
      entries: async (inbox) => (await this.#askAll<readonly number[]>("entries", { inbox })).flat(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#drivers.map((driver) => driver[Symbol.asyncDispose]()));
  }

  async #askAll<Answer>(name: string, task: object = {}): Promise<readonly Answer[]> {
    return await Promise.all(this.#drivers.map((driver) => driver.ask<Answer>(name, task)));
  }
}

async function within(ms: number, work: Promise<unknown>, how: string): Promise<void> {
  const over = new AbortController();
  const late = setTimeout(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${how}, and no more in ${ms / 1_000} s: this machine is too busy or too small for so many`);
  });
  // it is aborted when the work was in time
  late.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

function turnsOf({ frontEnds, name, subscribers, pollers = 0, acknowledges }: CrowdOptions): ReadersTask[] {
  const turns: ReadersTask[] = [];
  const add = (by: ReadersTask["by"], first: number, end: number): void => {
    for (let from = first; from < end; from += comingAtOnce) {
      const count = Math.min(comingAtOnce, end - from);
      turns.push({ frontEnds, inboxes: name, from, count, by, acknowledges });
    }
  };
  add("subscribe", 0, subscribers);
  add("fetchWait", subscribers, subscribers + pollers);
  return turns;
}
