/**
 * A client's place at one front-end: a connection, RPC over it, and patience with each call. When a call fails it stays
 * or moves to another front-end, by chance; when the connection is lost it moves.
 */
import { QpqError } from "quicproquo-proto";
import type { Random } from "quicproquo-rpc/fuzz";
import type { MemoryNetwork } from "quicproquo-transport/memory";
import { RawClient } from "../e2e/raw-client.ts";
import { alpn, token } from "./front-end.ts";
import type { Site } from "./site.ts";
import { fractionOf, type VirtualTime } from "./virtual-time.ts";

export type SeatParts = {
  readonly name: string;
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly sites: readonly Site[];
  readonly random: Random;
  /** An answer that no sound server gives. */
  readonly onUnexpected: (what: string) => void;
  readonly note: (text: string) => void;
};

/** Above the database's usual troubles, below its worst: both outcomes of a call are met. */
export const callMsMax = 1_500;
const pauseMsMax = 200;

export class Seat {
  readonly name: string;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly token = token;
  /** Nobody needs an answer any more. */
  readonly #over = new AbortController();
  readonly #parts: SeatParts;
  #site: Site | undefined;
  #client: RawClient | undefined;

  constructor(parts: SeatParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.random = parts.random;
    this.time = parts.time;
  }

  get place(): string {
    return `${this.name} at ${this.#site?.name ?? "none"}`;
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  get isOver(): boolean {
    return this.over.aborted;
  }

  /** The connection it has, or a new one. undefined: it is over. */
  async client(): Promise<RawClient | undefined> {
    while (!this.isOver) {
      if (this.#client !== undefined) return this.#client;
      await this.#sitDown();
    }
    return undefined;
  }

  /** The server hears of it a moment later, and what is on its way to here is lost. */
  leave(): void {
    const client = this.#client;
    this.#client = undefined;
    if (this.#site !== undefined) this.#site.seats.delete(this);
    client?.close();
  }

  end(): void {
    this.#over.abort();
    this.leave();
  }

  /** Rejects, and cancels the call, when it takes longer. */
  async patiently<T>(call: (signal: AbortSignal) => Promise<T>, msMax = callMsMax): Promise<T> {
    const controller = new AbortController();
    const late = Promise.withResolvers<never>();
    const deadline = this.time.after(msMax, "deadline", () => {
      const error = new QpqError("E028_DEADLINE");
      late.reject(error);
      controller.abort(error);
    });
    try {
      return await Promise.race([call(controller.signal), late.promise]);
    } finally {
      this.time.cancel(deadline);
    }
  }

  /** The same call until it is answered. Rejects with the codes that `isAnswer` names. undefined: it is over. */
  async insist<T>(
    call: (client: RawClient, signal: AbortSignal) => Promise<T>,
    isAnswer: (error: QpqError) => boolean = () => false,
  ): Promise<T | undefined> {
    for (;;) {
      const client = await this.client();
      if (client === undefined) return undefined;
      try {
        return await this.patiently((signal) => call(client, signal));
      } catch (error) {
        if (error instanceof QpqError && isAnswer(error)) throw error;
        await this.recover(error);
      }
    }
  }

  /** After a failed try. */
  async recover(error: unknown): Promise<void> {
    const isTold = error instanceof QpqError;
    this.#parts.note(`${this.place} failed: ${isTold ? error.code : String(error)}`);
    if (isTold && !isSound(error) && !this.isOver) {
      this.#parts.onUnexpected(`${this.place} was answered ${error.code} ${error.text}`);
    }
    if (this.random.chance(50)) this.leave();
    await this.time.pause(pauseMsMax * fractionOf(this.random));
  }

  async #sitDown(): Promise<void> {
    const { sites, network, note } = this.#parts;
    const site = this.random.pick(sites);
    this.#site = site;
    try {
      const connection = await network.dial({ host: site.frontEnd.name, port: site.frontEnd.port, alpn });
      const client = RawClient.on(connection, token);
      connection.onClose = () => {
        if (this.#client === client) this.leave();
      };
      if (this.isOver) return client.close();
      this.#client = client;
      site.seats.add(this);
      note(`${this.place} is connected`);
    } catch {
      await this.time.pause(pauseMsMax * (0.2 + fractionOf(this.random)));
    }
  }
}

/** A subscribe of a connection that was given up may arrive behind one of the connection that followed, and end it. */
function isSound({ kind, code }: QpqError): boolean {
  return kind === "limited" || kind === "unavailable" || code === "E062_SUBSCRIPTION_REPLACED";
}
