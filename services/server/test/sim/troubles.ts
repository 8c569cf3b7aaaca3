/** What goes wrong in a simulated world, when, and for how long: drawn one after the other until the world is to be calm. */
import { Random } from "quicproquo-rpc/fuzz";
import type { Books } from "./books.ts";
import type { Bus } from "./bus.ts";
import { type Conditions, type FaultName } from "./conditions.ts";
import type { Database } from "./database.ts";
import type { SimulatedReader } from "./readers.ts";
import type { Seat } from "./seat.ts";
import type { Site } from "./site.ts";
import type { Tail } from "./tail.ts";
import { fractionOf, type VirtualTime } from "./virtual-time.ts";

export type TroublesParts = {
  readonly time: VirtualTime;
  readonly conditions: Conditions;
  readonly sites: readonly Site[];
  readonly bus: Bus;
  readonly books: Books;
  readonly tail: Tail;
  readonly database: Database;
  readonly seats: readonly Seat[];
  readonly readers: readonly SimulatedReader[];
  readonly note: (text: string) => void;
};

const epochsMax = 3n;

export class Troubles {
  readonly #parts: TroublesParts;
  readonly #random: Random;
  /** Of those that are under way. */
  readonly #ends = new Set<() => void>();

  constructor(parts: TroublesParts, seed: number) {
    this.#parts = parts;
    this.#random = new Random(seed, "troubles");
  }

  /** Resolves when everything works again. */
  async run(): Promise<void> {
    const { time, conditions } = this.#parts;
    const { calmFromMs, faultPauseMs, faults } = conditions;
    while (faults.length > 0) {
      const pauseMs = 2 * faultPauseMs * fractionOf(this.#random);
      if (time.nowMs + pauseMs >= calmFromMs) break;
      await time.pause(pauseMs);
      this.#begin(this.#random.pick(faults));
    }
    await time.pause(calmFromMs - time.nowMs);
    this.#calm();
  }

  #begin(name: FaultName): void {
    const site = this.#random.pick(this.#parts.sites);
    const { frontEnd } = site;
    switch (name) {
      case "crash":
        return this.#crash(site);
      case "drain":
        if (frontEnd.isOver) return;
        this.#note(`${frontEnd.name} drains`);
        void frontEnd.drain(); // it never rejects
        return this.#later(() => {
          if (site.isUp) frontEnd.crash();
          this.#start(site);
        });
      case "store outage":
        this.#note("the database is away");
        for (const { frontEnd } of this.#parts.sites) frontEnd.link.cutOff();
        return this.#later(() => {
          this.#note("the database is back");
          for (const { frontEnd } of this.#parts.sites) frontEnd.link.mend();
        });
      case "store lost to one":
        this.#note(`${frontEnd.name} has lost the database`);
        frontEnd.link.cutOff();
        return this.#later(() => frontEnd.link.mend());
      case "bus cut":
      case "bus deaf":
        if (frontEnd.isOver) return;
        this.#note(`${frontEnd.name}: ${name}`);
        if (name === "bus cut") frontEnd.bus.cut();
        else frontEnd.bus.deafen();
        return this.#later(() => {
          if (!frontEnd.isOver) frontEnd.bus.mend();
        });
      case "connection cut": {
        const seat = this.#random.pick(this.#parts.seats);
        this.#note(`${seat.place} loses its connection`);
        return seat.leave();
      }
      case "client crash": {
        const reader = this.#random.pick(this.#parts.readers);
        this.#note(`${reader.seat.place} crashes`);
        return reader.crash();
      }
      case "epoch raised":
        if (this.#parts.database.storeEpoch >= epochsMax) return;
        this.#parts.database.raiseEpoch();
        return this.#note(`the store epoch is ${this.#parts.database.storeEpoch}`);
      case "tail flushed":
        this.#note(name);
        return this.#parts.tail.flush();
      case "failover with loss":
        if (this.#parts.database.storeEpoch >= epochsMax) return;
        for (const { frontEnd } of this.#parts.sites) frontEnd.link.cutOff();
        void this.#failOver(); // within this step; it never rejects
        return this.#later(() => {
          for (const { frontEnd } of this.#parts.sites) frontEnd.link.mend();
        });
    }
  }

  async #failOver(): Promise<void> {
    const { database, books, time } = this.#parts;
    await database.failOver(this.#random.below(12), time.nowMs);
    books.failOver();
    this.#note(`a standby takes over: the store epoch is ${database.storeEpoch}`);
  }

  #crash(site: Site): void {
    if (!site.isUp) return;
    this.#note(`${site.frontEnd.name} is killed`);
    // what it had sent is lost with it, or comes
    for (const seat of Array.from(site.seats)) if (this.#random.chance(50)) seat.leave();
    site.frontEnd.crash();
    this.#later(() => this.#start(site));
  }

  #start(site: Site): void {
    if (site.isUp) return;
    site.start();
    this.#note(`${site.frontEnd.name} is started`);
  }

  /** After a while, or at the end of all trouble. */
  #later(end: () => void): void {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#parts.time.after(this.#random.pick([50, 400, 3_000]) * fractionOf(this.#random), "trouble ends", once);
  }

  #calm(): void {
    for (const end of this.#ends) end();
    this.#parts.bus.lossPercent = 0;
    for (const site of this.#parts.sites) {
      this.#start(site);
      site.frontEnd.link.mend();
      site.frontEnd.link.faultPercent = 0;
    }
    this.#note("calm from now on");
  }

  #note(text: string): void {
    this.#parts.note(text);
  }
}
