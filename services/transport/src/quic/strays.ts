/**
 * Datagrams that belong to another worker of this server. Workers share a port and the kernel gives each datagram to one
 * of them by its addresses; so when a client's address changes, what it sends may come to a worker that does not have
 * its connection. The connection's id says who has.
 *
 * Ids can be seen by anyone on the way: so what a stranger can cause here is bounded, and what a sibling has handed on
 * is not handed on again.
 */
import { connectionIdBytes, type Routing, workerOf } from "./connection-id.ts";
import type { HostPort } from "./native.ts";
import { PerSecond } from "./timers.ts";

/**
 * Hands a datagram on to the sibling, whose listener takes it with `inject`. False = there is no such worker: then its
 * sender is told that the connection is gone (a stateless reset). The bytes belong to the receiver.
 */
export type OnStray = (datagram: Uint8Array, from: HostPort, workerId: number) => boolean;

export type StrayOptions = {
  readonly routing: Routing | undefined;
  readonly onStray: OnStray | undefined;
  readonly perSecondMax: number;
  readonly onFault: (error: unknown) => void;
};

export class Strays {
  readonly #options: StrayOptions;
  readonly #budget: PerSecond;

  constructor(options: StrayOptions) {
    this.#options = options;
    this.#budget = new PerSecond(options.perSecondMax);
  }

  /** What became of a datagram without a connection here, by the id it goes to. */
  handOn(datagram: Uint8Array, from: HostPort, id: Uint8Array): "ours" | "handedOn" | "dropped" {
    const { routing, onStray } = this.#options;
    if (routing === undefined || onStray === undefined || id.length !== connectionIdBytes) return "ours";
    const workerId = workerOf(id, routing.serverId);
    if (workerId === undefined || workerId === routing.workerId) return "ours";
    if (!this.#budget.take(performance.now())) return "dropped";
    try {
      return onStray(datagram, from, workerId) ? "handedOn" : "ours";
    } catch (error) {
      this.#options.onFault(error);
      return "dropped";
    }
  }
}
