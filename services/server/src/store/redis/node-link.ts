/**
 * One Redis node: a connection that is kept, subscribed to the channels of the node's partitions, and shown to be alive.
 *
 *     connecting -> subscribed -> probe heard: up -> lost, silent or deaf -> pause -> connecting -> ...
 *
 * A connection whose first probe isn't heard was never up: who may not publish makes nobody look again and again.
 */
import type { Command, RedisConnection } from "./connection.ts";
import { encodeHints, type Hint, isFrom } from "./hint-frame.ts";
import type { Partition } from "./partitions.ts";
import { Probe } from "./probe.ts";

export type NodeLinkParts = {
  readonly open: (signal: AbortSignal) => Promise<RedisConnection>;
  /** At least one. */
  readonly partitions: readonly Partition[];
  /** 8 bytes that name this front-end. */
  readonly sender: Buffer;
  readonly probeMs: number;
  /** Hints come from now on, and may have been missed before. */
  readonly onUp: () => void;
  /** Lost, or not to be had, and why; it is tried again by itself. */
  readonly onDown: (reason: string) => void;
  /** Frames of other front-ends. */
  readonly onFrame: (frame: Buffer) => void;
};

/** Between two tries to connect: from, up to, doubling, each shortened by up to a half so that front-ends spread. */
const pauseMsMin = 50;
const pauseMsMax = 2_000;

export class NodeLink {
  readonly #parts: NodeLinkParts;
  readonly #closing = new AbortController();
  #connection: RedisConnection | undefined;
  #isPublishing = false;
  #nextChannel = 0;
  #endPause: (() => void) | undefined;
  #reason = "";
  #losses = 0;
  #deafnesses = 0;

  constructor(parts: NodeLinkParts) {
    this.#parts = parts;
    void this.#keep(); // never rejects
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  /** Takes a batch now: one at a time is under way, so that what comes meanwhile travels together. */
  get isIdle(): boolean {
    return this.isUp && !this.#isPublishing;
  }

  get partitions(): readonly Partition[] {
    return this.#parts.partitions;
  }

  /** Connections lost so far, and those of them that were deaf. */
  get losses(): number {
    return this.#losses;
  }

  get deafnesses(): number {
    return this.#deafnesses;
  }

  /** How many front-ends heard it, this one among them; undefined: nobody knows whether they did. Only while idle. */
  async publish(hints: readonly Hint[]): Promise<number | undefined> {
    // every front-end listens to every channel, so any of them will do
    const { channel } = this.#parts.partitions[this.#nextChannel++ % this.#parts.partitions.length] as Partition;
    const connection = this.#connection;
    if (connection === undefined) return undefined;
    this.#isPublishing = true;
    try {
      return Number(await connection.call(["SPUBLISH", channel, encodeHints(this.#parts.sender, hints)]));
    } catch (error) {
      // no answer, another node's slot, no right to do it: none of them is mended by going on
      this.#giveUp(connection, error);
      return undefined;
    } finally {
      this.#isPublishing = false;
    }
  }

  /** What hints can do without; undefined when it failed, for whatever reason. Never rejects. */
  async call(command: Command): Promise<unknown> {
    try {
      return await this.#connection?.call(command);
    } catch {
      return undefined; // a slot that has moved is found by the probe
    }
  }

  close(): void {
    this.#closing.abort();
    this.#endPause?.();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #keep(): Promise<void> {
    let pauseMs = pauseMsMin;
    while (!this.#isClosed) {
      const connection = await this.#connect();
      if (connection !== undefined && (await this.#live(connection))) pauseMs = pauseMsMin;
      if (this.#isClosed) return;
      this.#parts.onDown(this.#reason);
      await this.#pause(pauseMs * (1 - Math.random() / 2));
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  }

  /** Subscribed, or undefined. */
  async #connect(): Promise<RedisConnection | undefined> {
    let connection: RedisConnection | undefined;
    try {
      connection = await this.#parts.open(this.#closing.signal);
      await connection.subscribe(this.#parts.partitions.map(({ channel }) => channel));
      if (!connection.isLost) return connection;
      this.#reason = "the connection was lost at once";
    } catch (error) {
      this.#reason = reasonOf(error);
    }
    connection?.destroy();
    return undefined;
  }

  /** Until it is lost. Answers whether it was up. */
  async #live(connection: RedisConnection): Promise<boolean> {
    this.#reason = "the connection was lost";
    const close = (): void => connection.destroy();
    const { signal } = this.#closing;
    signal.addEventListener("abort", close);
    if (signal.aborted) close();
    connection.onMoved(() => this.#giveUp(connection, new Error("a slot has moved")));
    {
      using probe = new Probe(connection, this.#parts, {
        onDeaf: () => {
          this.#deafnesses++;
          this.#giveUp(connection, new Error("the connection was deaf"));
        },
        onRefused: (error) => this.#giveUp(connection, error),
      });
      connection.onMessage((channel, frame) => {
        if (isFrom(this.#parts.sender, frame)) probe.heard(channel);
        else this.#parts.onFrame(frame);
      });
      await Promise.race([probe.firstHeard, connection.lost]);
      if (!connection.isLost) {
        this.#connection = connection;
        this.#parts.onUp();
      }
      await connection.lost;
    }
    signal.removeEventListener("abort", close);
    if (this.#connection === undefined) return false;
    this.#connection = undefined;
    this.#losses++;
    return true;
  }

  #giveUp(connection: RedisConnection, reason: unknown): void {
    if (connection.isLost) return;
    this.#reason = reasonOf(reason);
    connection.destroy();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The driver's and the node's errors: names and addresses, no password. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
