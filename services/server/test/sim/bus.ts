/**
 * The wake-up bus of a simulated cluster: a real hub in each front-end, told at once of what the front-end itself
 * publishes, and by hints of the others that may be late, doubled, lost, or cut off with a reconnect at the end.
 */
import type { InboxKey } from "quicproquo-proto";
import { Random } from "quicproquo-rpc/fuzz";
import { WakeupHub } from "../../src/store/hub.ts";
import { LookAgain } from "../../src/store/look-again.ts";
import type { WakeupBus, WakeupListener } from "../../src/store/port.ts";
import { type Conditions, latencyOf } from "./conditions.ts";
import type { VirtualTime } from "./virtual-time.ts";

type BusConditions = Pick<Conditions, "busMs" | "hintLossPercent" | "armsLate">;

export class Bus {
  readonly time: VirtualTime;
  readonly conditions: BusConditions;
  readonly random: Random;
  readonly #ends = new Set<BusEnd>();
  lossPercent: number;

  constructor(time: VirtualTime, conditions: BusConditions, seed: number) {
    this.time = time;
    this.conditions = conditions;
    this.random = new Random(seed, "bus");
    this.lossPercent = conditions.hintLossPercent;
  }

  open(name: string): BusEnd {
    const end = new BusEnd(this, name);
    this.#ends.add(end);
    return end;
  }

  close(end: BusEnd): void {
    this.#ends.delete(end);
  }

  carry(from: BusEnd, hear: (to: BusEnd) => void): void {
    for (const to of this.#ends) {
      if (to === from || this.random.chance(this.lossPercent)) continue;
      const copies = this.random.chance(5) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        this.time.after(latencyOf(this.random, this.conditions.busMs), `hint to ${to.name}`, () => hear(to));
      }
    }
  }
}

type State = "up" | "cut" | "deaf" | "dead";

export class BusEnd implements WakeupBus {
  readonly name: string;
  readonly hub = new WakeupHub();
  readonly #bus: Bus;
  readonly #lookAgain = new LookAgain(this.hub);
  /** Subscribed and not yet heard. */
  readonly #arming = new Map<WakeupListener, { readonly inbox: InboxKey; readonly armed: () => void }>();
  #state: State = "up";

  constructor(bus: Bus, name: string) {
    this.#bus = bus;
    this.name = name;
  }

  publish(inbox: InboxKey, inTail = false): void {
    this.#tell((hub) => hub.publish(inbox, inTail));
  }

  claim(inbox: InboxKey, word: string): void {
    this.#tell((hub) => hub.claim(inbox, word));
  }

  #tell(what: (hub: WakeupHub) => void): void {
    if (this.#state === "dead") return;
    what(this.hub);
    if (this.#state === "cut") return;
    this.#bus.carry(this, (to) => {
      if (to.#state === "up") what(to.hub);
    });
  }

  subscribe(inbox: InboxKey, listener: WakeupListener): Promise<void> | undefined {
    if (!this.#bus.conditions.armsLate || this.#state !== "up") return this.hub.subscribe(inbox, listener);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#arming.set(listener, { inbox, armed: resolve });
    this.#bus.time.after(latencyOf(this.#bus.random, this.#bus.conditions.busMs), `${this.name} armed`, () =>
      this.#arm(listener),
    );
    return promise;
  }

  unsubscribe(inbox: InboxKey, listener: WakeupListener): void {
    this.#arming.get(listener)?.armed();
    this.#arming.delete(listener);
    this.hub.unsubscribe(inbox, listener);
  }

  /** Hints are lost, both ways, until it is mended: then everybody looks again. */
  cut(): void {
    this.#state = "cut";
    for (const listener of this.#arming.keys()) this.#arm(listener);
  }

  /** Hints of others are lost, and nobody knows. */
  deafen(): void {
    this.#state = "deaf";
  }

  mend(): void {
    const wasCut = this.#state === "cut";
    this.#state = "up";
    if (wasCut) this.#lookAgain.start();
  }

  die(): void {
    this.#state = "dead";
    this.#bus.close(this);
    this.#lookAgain.close();
  }

  #arm(listener: WakeupListener): void {
    const arming = this.#arming.get(listener);
    if (arming === undefined) return;
    this.#arming.delete(listener);
    this.hub.subscribe(arming.inbox, listener);
    arming.armed();
  }
}
