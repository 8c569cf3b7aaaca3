/**
 * Keeps the sessions of a listener that is flooded. A flood of datagrams fills the listener's socket faster than it can be
 * emptied, and the kernel then drops whatever comes, most of what honest peers send too (70 to 95 % at 200,000 datagrams
 * a second). So while strangers' datagrams come above a rate, connections get a socket of their own, on the same port and
 * connected to their peer: the kernel puts their datagrams there, and the flood stays in the other queue.
 *
 * Only receives: sending goes through the listener's socket as ever. A peer that moves arrives there too, until its
 * socket is made anew. Losing a shelter costs what a flood costs without, no more. Linux alone has such sockets.
 */
import type { QuicConnection } from "./connection.ts";
import { Endpoint } from "./endpoint.ts";
import type { HostPort } from "./native.ts";
import type { QuicLimits } from "./quic-limits.ts";

export type ShelterOptions = {
  /** Where the listener is. Its socket must have been opened with reusePort. */
  readonly local: HostPort;
  readonly limits: Pick<QuicLimits, "shelteredMax" | "strangersPerSecondMax" | "socketBufferBytes">;
  readonly connections: Iterable<QuicConnection>;
  /** How many datagrams have come that belong to no connection, since the start. */
  readonly strangers: () => number;
  readonly onDatagram: (datagram: Buffer, from: HostPort) => void;
};

/** How often it looks: so long a flood lasts unnoticed. */
const lookMs = 200;
/** A flood is over when it has not been seen for so long: pauses of a few seconds do not take the shelters down. */
const calmMs = 10_000;

export const canShelter = process.platform === "linux";

type Place = { readonly peer: HostPort; endpoint: Endpoint | undefined };

export class Shelter implements Disposable {
  readonly #options: ShelterOptions;
  readonly #places = new Map<QuicConnection, Place>();
  readonly #timer: NodeJS.Timeout;
  #strangers = 0;
  #lookedAtMs = performance.now();
  #floodedAtMs = Number.NEGATIVE_INFINITY;
  #datagramsIn = 0;

  constructor(options: ShelterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  /** Connections that have a socket of their own. */
  get size(): number {
    return this.#places.size;
  }

  /** On the sockets of all connections that ever had one. */
  get datagramsIn(): number {
    return this.#datagramsIn;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const connection of this.#places.keys()) this.#leave(connection);
  }

  #look(): void {
    const nowMs = performance.now();
    const strangers = this.#options.strangers();
    const perSecond = ((strangers - this.#strangers) / (nowMs - this.#lookedAtMs)) * 1_000;
    this.#strangers = strangers;
    this.#lookedAtMs = nowMs;
    if (perSecond > this.#options.limits.strangersPerSecondMax) this.#floodedAtMs = nowMs;
    const isFlooded = nowMs - this.#floodedAtMs < calmMs;
    for (const [connection, { peer }] of this.#places) {
      if (!isFlooded || !connection.isOpen || !isSame(peer, connection.peer)) this.#leave(connection);
    }
    if (isFlooded) this.#takeIn();
  }

  #takeIn(): void {
    const placesMax = canShelter ? this.#options.limits.shelteredMax : 0;
    for (const connection of this.#options.connections) {
      if (this.#places.size >= placesMax) return;
      if (!connection.isOpen || !connection.established || this.#places.has(connection)) continue;
      const place: Place = { peer: connection.peer, endpoint: undefined };
      this.#places.set(connection, place);
      void this.#open(connection, place); // never rejects
    }
  }

  async #open(connection: QuicConnection, place: Place): Promise<void> {
    const { local, limits, onDatagram } = this.#options;
    const { socketBufferBytes } = limits;
    try {
      const endpoint = await Endpoint.open({ ...local, socketBufferBytes, connectTo: place.peer, reusePort: true });
      if (this.#places.get(connection) !== place) {
        await endpoint.close(); // it has left meanwhile
        return;
      }
      place.endpoint = endpoint;
      endpoint.onError = () => this.#leave(connection); // e.g. nobody is at the peer's port any more
      endpoint.onDatagram = (datagram, from) => {
        this.#datagramsIn += 1;
        onDatagram(datagram, from);
      };
    } catch {
      if (this.#places.get(connection) === place) this.#leave(connection); // e.g. no file descriptor is left; the next look tries again
    }
  }

  #leave(connection: QuicConnection): void {
    const place = this.#places.get(connection);
    this.#places.delete(connection);
    void place?.endpoint?.close(); // never rejects
  }
}

function isSame(one: HostPort, other: HostPort): boolean {
  return one.port === other.port && one.host === other.host;
}
