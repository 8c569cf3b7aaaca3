/** Enqueues on two front-ends whose inboxes all have a reader by subscription: half of the messages cross from one to the other. */
import type { LoopResult, Window } from "../closed-loop.ts";
import type { Peer } from "../peer.ts";
import type { FrontEnd } from "./front-ends.ts";
import { Load, startProgram } from "./load.ts";
import type { Latencies } from "./subscribe-load.ts";

const inboxes = "subscribed";
const connections = 8;

export type SubscribedResult = { readonly enqueue: LoopResult; readonly delivery: Latencies };

export class SubscribedSide implements AsyncDisposable {
  readonly #load: Load;
  readonly #readers: Peer;

  private constructor(load: Load, readers: Peer) {
    this.#load = load;
    this.#readers = readers;
  }

  static async start(given: readonly FrontEnd[]): Promise<SubscribedSide> {
    const frontEnds = given.map(({ address }) => address);
    const readers = startProgram("subscribe");
    await readers.ask("subscribe", { frontEnds, connections, inboxes });
    return new SubscribedSide(await Load.start("enqueue", { frontEnds, connections, inboxes }), readers);
  }

  async run({ warmUpMs, windowMs }: Window): Promise<SubscribedResult> {
    await this.#load.run({ warmUpMs: 0, windowMs: warmUpMs });
    await this.#readers.ask("begin");
    const enqueue = await this.#load.run({ warmUpMs: 0, windowMs });
    const total = await this.#load.peer.ask<number>("sent");
    return { enqueue, delivery: await this.#readers.ask<Latencies>("latencies", { total }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load[Symbol.asyncDispose]();
    await this.#readers[Symbol.asyncDispose]();
  }
}
