/**
 * A simulated cluster and its clients, made from a seed: front-ends with the server's own code over one database, a bus
 * and a network that the seed drives, people who send, commit and read through real RPC, and the book of it.
 */
import { Random } from "quicproquo-rpc/fuzz";
import { createMemoryNetwork, type MemoryNetwork } from "quicproquo-transport/memory";
import { commitAll } from "../crash/chaos/committers.ts";
import { recipientKeyOf } from "../crash/chaos/messages.ts";
import { batchAll, enqueueAll, pingAll, sendAll } from "../crash/chaos/senders.ts";
import { Books } from "./books.ts";
import { Bus } from "./bus.ts";
import { type Conditions, latencyOf } from "./conditions.ts";
import { Database } from "./database.ts";
import { FrontEnd, type FrontEndPlant, serverConfig } from "./front-end.ts";
import { SimulatedReader, ways } from "./readers.ts";
import { Seat } from "./seat.ts";
import { Site } from "./site.ts";
import { StoreLink } from "./store-link.ts";
import { Tail } from "./tail.ts";
import type { Trace } from "./trace.ts";
import { fractionOf, type VirtualTime } from "./virtual-time.ts";

/** Beyond a stall of a direction. */
const stallMsMax = 3_000;
const senderPauseMsMax = 400;

export type WorldParts = {
  readonly seed: number;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly plant: FrontEndPlant;
  readonly conditions: Conditions;
};

export class World {
  readonly conditions: Conditions;
  readonly time: VirtualTime;
  readonly books: Books;
  readonly database: Database;
  readonly bus: Bus;
  readonly tail: Tail;
  readonly network: MemoryNetwork;
  readonly sites: readonly Site[];
  readonly seats: Seat[] = [];
  /** All lives. */
  readonly frontEnds: FrontEnd[] = [];
  readonly readers: readonly SimulatedReader[];
  readonly #seed: number;
  readonly #trace: Trace;
  readonly #plant: FrontEndPlant;

  /** The time must be installed. */
  constructor({ seed, time, trace, plant, conditions }: WorldParts) {
    this.#seed = seed;
    this.#trace = trace;
    this.#plant = plant;
    this.conditions = conditions;
    this.time = time;
    const { queueDepthMax, dedupeWindowSecs, groupLifeSecs } = serverConfig.limits;
    const storeLimits = {
      queueDepthMax,
      dedupeWindowMs: dedupeWindowSecs * 1_000,
      groupLifeMs: groupLifeSecs * 1_000,
      appendsInFlightMax: serverConfig.appendsInFlightMax,
    };
    this.database = new Database({ limits: storeLimits, clock: this.time.clock });
    this.books = new Books(() => this.time.nowMs, this.database);
    this.tail = new Tail(seed);
    this.bus = new Bus(this.time, this.conditions, seed);
    this.network = createMemoryNetwork({
      schedule: this.#scheduler(),
      onFault: (error) => this.unexpected(`a callback threw: ${String(error)}`),
    });
    this.sites = this.#each(this.conditions.frontEnds, (i) => new Site(`front-end ${i}`, (name) => this.#open(name)));
    this.readers = this.#each(this.conditions.readers, (i) => this.#reader(i));
  }

  note(text: string): void {
    this.#trace.note(text);
  }

  unexpected(what: string): void {
    this.note(`unexpected: ${what}`);
    this.books.unexpected(what);
  }

  /** Resolves when everybody has sent what there is to send. */
  async send(): Promise<void> {
    const { senders, rivals, callsEach, commitsEach } = this.conditions;
    const recipientKeys = this.#each(this.conditions.readers, keyOf);
    const sent = this.#each(senders, async (sender) => {
      const seat = this.#seat(`sender ${sender}`);
      const ways = [enqueueAll, batchAll, sendAll, pingAll];
      const way = seat.random.pick(ways);
      const keys = way === pingAll ? [seat.random.pick(recipientKeys)] : recipientKeys;
      await way({ ...this.#sending(seat, callsEach), sender, recipientKeys: keys });
    });
    if (rivals > 0) {
      const seats = this.#each(rivals, (rival) => this.#seat(`rival ${rival}`));
      const [first] = seats as [Seat, ...Seat[]];
      const counted = this.#sending(first, commitsEach * rivals);
      sent.push(commitAll({ ...counted, seats, group: 0, memberKeys: recipientKeys }));
    }
    await Promise.all(sent);
  }

  #sending(seat: Seat, calls: number) {
    let left = calls;
    return {
      seat,
      book: this.books,
      isOver: () => left-- <= 0,
      pauseMs: () => senderPauseMsMax * fractionOf(seat.random),
    };
  }

  #reader(i: number): SimulatedReader {
    const seat = this.#seat(`reader ${i}`);
    const { books, database } = this;
    const way = seat.random.pick(ways);
    this.note(`${seat.name} reads by ${way}`);
    const tell = (text: () => string): void => this.#trace.detail(text);
    return new SimulatedReader({ seat, books, database, recipientKey: keyOf(i), way, tell });
  }

  #seat(name: string): Seat {
    const { time, network, sites } = this;
    const seat = new Seat({
      name,
      time,
      network,
      sites,
      random: new Random(this.#seed, name),
      onUnexpected: (what) => this.unexpected(what),
      note: (text) => this.note(text),
    });
    this.seats.push(seat);
    return seat;
  }

  #open(name: string): FrontEnd {
    const { time, network, database, tail, conditions } = this;
    const bus = this.bus.open(name);
    const link = new StoreLink({
      time,
      database,
      tail,
      conditions,
      wakeups: bus,
      name,
      seed: this.#seed,
      tell: (text) => this.#trace.detail(text),
    });
    const frontEnd = new FrontEnd({
      name,
      time,
      network,
      link,
      bus,
      conditions,
      plant: this.#plant,
      onInternal: (what) => this.unexpected(what),
    });
    this.frontEnds.push(frontEnd);
    return frontEnd;
  }

  /** A direction of a connection is known by its one task; one that stands still keeps all that comes after. */
  #scheduler(): (task: () => void) => void {
    const random = new Random(this.#seed, "network");
    const { networkMs, stallsPerMyriad, calmFromMs } = this.conditions;
    const stalledUntilMs = new WeakMap<() => void, number>();
    return (task) => {
      const { nowMs } = this.time;
      if (nowMs < calmFromMs && random.below(10_000) < stallsPerMyriad) {
        stalledUntilMs.set(task, nowMs + stallMsMax * fractionOf(random));
      }
      const standsForMs = Math.max(0, (stalledUntilMs.get(task) ?? 0) - nowMs);
      this.time.after(standsForMs + latencyOf(random, networkMs), "frame", task);
    };
  }

  #each<T>(count: number, make: (i: number) => T): T[] {
    return Array.from({ length: count }, (_, i) => make(i));
  }
}

function keyOf(reader: number): Uint8Array {
  return recipientKeyOf(`reader ${reader}`);
}
