/**
 * The TCP connections of a listener from their first moment: caps in all and a peer, and a deadline by which each must
 * have become a WebSocket, whether it dawdles in TLS, in HTTP or after a refusal.
 */
import type { Socket } from "node:net";
import { peerGroupOf } from "../quic/peer-group.ts";
import type { WebSocketLimits } from "./websocket-limits.ts";

type Arrival = { readonly socket: Socket; readonly deadline: NodeJS.Timeout; isOpen: boolean };

export class Arrivals {
  readonly #limits: WebSocketLimits;
  /** Under the peer's address and port: a TLS socket knows them, and not the TCP socket under it. */
  readonly #arrivals = new Map<string, Arrival>();
  readonly #countOfGroup = new Map<string, number>();
  readonly #onFailed: () => void;
  #halfOpen = 0;

  /** onFailed: one ended before it was open. */
  constructor(limits: WebSocketLimits, onFailed: () => void) {
    this.#limits = limits;
    this.#onFailed = onFailed;
  }

  get size(): number {
    return this.#arrivals.size;
  }

  get halfOpenCount(): number {
    return this.#halfOpen;
  }

  /** False = over a cap: destroyed, before TLS costs anything. */
  admit(socket: Socket): boolean {
    const { connectionsMax, connectionsPerAddressMax, handshakeMsMax } = this.#limits;
    const key = keyOf(socket);
    const group = peerGroupOf(socket.remoteAddress ?? "");
    const count = this.#countOfGroup.get(group) ?? 0;
    if (key === undefined || this.#arrivals.size >= connectionsMax || count >= connectionsPerAddressMax) {
      socket.destroy();
      return false;
    }
    const deadline = setTimeout(() => socket.destroy(), handshakeMsMax);
    const arrival: Arrival = { socket, deadline, isOpen: false };
    this.#arrivals.set(key, arrival);
    this.#countOfGroup.set(group, count + 1);
    this.#halfOpen += 1;
    socket.once("close", () => this.#gone(key, group));
    return true;
  }

  /** The WebSocket over this TLS socket is open: no deadline any more. */
  opened(tls: Socket): void {
    const arrival = this.#arrivals.get(keyOf(tls) ?? "");
    if (arrival === undefined) return;
    clearTimeout(arrival.deadline);
    arrival.isOpen = true;
    this.#halfOpen -= 1;
  }

  destroyHalfOpen(): void {
    for (const arrival of this.#arrivals.values()) if (!arrival.isOpen) arrival.socket.destroy();
  }

  #gone(key: string, group: string): void {
    const arrival = this.#arrivals.get(key);
    this.#arrivals.delete(key);
    const count = (this.#countOfGroup.get(group) ?? 1) - 1;
    if (count === 0) this.#countOfGroup.delete(group);
    else this.#countOfGroup.set(group, count);
    if (arrival === undefined || arrival.isOpen) return;
    clearTimeout(arrival.deadline);
    this.#halfOpen -= 1;
    this.#onFailed();
  }
}

/** undefined for a peer that is gone already. */
function keyOf(socket: Socket): string | undefined {
  if (socket.remoteAddress === undefined) return undefined;
  return `${socket.remoteAddress}|${socket.remotePort}`;
}
