/**
 * Where a client of a trial sits: at one front-end over a connection of its own. When that one does not answer in time, or
 * the connection is lost, it moves to another.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { RawClient } from "../../e2e/raw-client.ts";
import type { FrontEnd } from "./front-end.ts";

/** A client's patience with one call, some below and some above what a store waits for its database. */
const callMsMin = 2_000;
const callMsMax = 8_000;
/** A front-end that is dead or cut off is found out after idleMs, by the pings in between. */
const quicLimits = { handshakeMsMax: 2_500, idleMs: 6_000, keepAliveMs: 2_000 };
const pauseMsMax = 250;
/** It is the store's trouble, which another front-end has too. */
const storeCodes: readonly ErrorCode[] = ["E020_STORE_UNAVAILABLE", "E035_STORE_FULL"];

export type Place = Pick<FrontEnd, "name" | "host" | "keys">;

export type SeatOptions = {
  readonly name: string;
  readonly frontEnds: readonly Place[];
  readonly random: () => number;
  /** Aborted when nobody needs an answer any more. */
  readonly over: AbortSignal;
  /** An answer that no sound server gives. */
  readonly onUnexpected: (what: string) => void;
  /** Refused for now, by its code. */
  readonly onRefused?: (code: ErrorCode) => void;
};

export class Seat {
  readonly name: string;
  readonly random: () => number;
  readonly over: AbortSignal;
  readonly #options: SeatOptions;
  #frontEnd: Place | undefined;
  #client: RawClient | undefined;
  #isLost = false;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.name = options.name;
    this.random = options.random;
    this.over = options.over;
    // ends the call that is under way
    this.over.addEventListener("abort", () => this.leave());
  }

  /** The client and its front-end, as a time line names them. */
  get place(): string {
    return `${this.name} at ${this.#frontEnd?.name ?? "none"}`;
  }

  /** The same at every front-end. */
  get token(): string {
    return this.#options.frontEnds[0]?.keys.token ?? "";
  }

  /** With one call. */
  patienceMs(): number {
    return Math.round(callMsMin + (callMsMax - callMsMin) * this.random());
  }

  /** The connection it has, or one to a front-end that answers. undefined: it is over. */
  async client(): Promise<RawClient | undefined> {
    while (!this.over.aborted) {
      if (this.#client !== undefined && !this.#isLost) return this.#client;
      this.leave();
      await this.#sitDown();
    }
    this.leave();
    return undefined;
  }

  leave(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /**
   * The same call until it is answered, here or elsewhere; each try has a few seconds. Rejects with
   * the codes that `isAnswer` names. undefined: it is over.
   */
  async insist<T>(
    call: (client: RawClient, signal: AbortSignal) => Promise<T>,
    isAnswer: (error: QpqError) => boolean = () => false,
  ): Promise<T | undefined> {
    for (;;) {
      const client = await this.client();
      if (client === undefined) return undefined;
      try {
        return await call(client, AbortSignal.timeout(this.patienceMs()));
      } catch (error) {
        if (error instanceof QpqError && isAnswer(error)) throw error;
        await this.recover(error);
      }
    }
  }

  /** After a failed try: waits as told, and moves on. Most who are refused for now stay where they are. */
  async recover(error: unknown): Promise<void> {
    const isTold = error instanceof QpqError;
    if (isTold && ["limited", "unavailable"].includes(error.kind)) this.#options.onRefused?.(error.code);
    else if (isTold) this.#options.onUnexpected(`${this.place} was answered ${error.code} ${error.text}`);
    const mayStay = isTold && (error.kind === "limited" || storeCodes.includes(error.code));
    if (!mayStay || this.random() < 0.3) this.leave();
    await pause(Math.min((isTold && error.retryAfterMs) || 50, pauseMsMax) * (0.5 + this.random()));
  }

  async #sitDown(): Promise<void> {
    const others = this.#options.frontEnds.filter((frontEnd) => frontEnd !== this.#frontEnd);
    const frontEnd = others[Math.floor(this.random() * others.length)] ?? this.#frontEnd;
    if (frontEnd === undefined) throw new Error("there is no front-end");
    this.#frontEnd = frontEnd;
    this.#isLost = false;
    try {
      const client = await RawClient.connect(frontEnd.keys, { host: frontEnd.host, limits: quicLimits });
      client.connection.onClose = () => {
        if (this.#client === client) this.#isLost = true;
      };
      this.#client = client;
    } catch {
      // gone, paused or cut off: the next one, not all in the same moment
      await pause(50 + 100 * this.random());
    }
  }
}
