/**
 * One Redis node: a connection that is kept, subscribed to the channels of the node's partitions, and shown to be alive.
 *
 *     connecting -> subscribed: up -> lost, silent or deaf -> pause -> connecting -> ...
 *
 * Healthy connections can be deaf: a relay between has forgotten half of it, or the node no longer knows of the
 * subscription. So every probeMs a frame without hints is published to each channel, and when one isn't heard before the
 * next is due the connection is thrown away. That time is counted in ticks of our own, for a loop that stood still has
 * heard nothing either.
 */
import type { Command, RedisConnection } from "./connection.ts";
import { encodeHints, type Hint, isFrom } from "./hint-frame.ts";
import type { Partition } from "./partitions.ts";

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

const ticksPerProbe = 5;

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

  /** False: nobody knows whether they were told. Only while idle. */
  async publish(hints: readonly Hint[]): Promise<boolean> {
    // every front-end listens to every channel, so any of them will do
    const { channel } = this.#parts.partitions[this.#nextChannel++ % this.#parts.partitions.length] as Partition;
    this.#isPublishing = true;
    const answers = await this.callAll([["SPUBLISH", channel, encodeHints(this.#parts.sender, hints)]]);
    this.#isPublishing = false;
    return answers !== undefined;
  }

  /** In the order of the commands; undefined when one failed: then the connection is given up. Never rejects. */
  async callAll(commands: readonly Command[]): Promise<readonly unknown[] | undefined> {
    const connection = this.#connection;
    if (connection === undefined) return undefined;
    const answers = await connection.callAll(commands);
    if (!answers.some((answer) => answer instanceof Error)) return answers;
    // no answer, another node's slot, no right to do it: none of them is mended by going on
    this.#giveUp(connection, answers);
    return undefined;
  }

  close(): void {
    this.#closing.abort();
    this.#connection?.destroy();
    this.#endPause?.();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #keep(): Promise<void> {
    let pauseMs = pauseMsMin;
    while (!this.#isClosed) {
      const connection = await this.#connect();
      if (connection !== undefined) {
        pauseMs = pauseMsMin;
        await this.#live(connection);
      }
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

  #giveUp(connection: RedisConnection, answers: readonly unknown[]): void {
    if (connection.isLost) return;
    this.#reason = reasonOf(answers.find((answer) => answer instanceof Error));
    connection.destroy();
  }

  /** Until it is lost. */
  async #live(connection: RedisConnection): Promise<void> {
    this.#reason = "the connection was lost";
    const probe = new Probe(this.#parts, connection, {
      onDeaf: () => {
        this.#deafnesses++;
        this.#giveUp(connection, [new Error("the connection was deaf")]);
      },
      onRefused: (answers) => this.#giveUp(connection, answers),
    });
    connection.onMoved(() => this.#giveUp(connection, [new Error("a slot has moved")]));
    connection.onMessage((channel, frame) => {
      if (isFrom(this.#parts.sender, frame)) probe.heard(channel);
      else this.#parts.onFrame(frame);
    });
    this.#connection = connection;
    const timer = setInterval(() => probe.tick(), this.#parts.probeMs / ticksPerProbe);
    this.#parts.onUp();
    await connection.lost;
    clearInterval(timer);
    this.#connection = undefined;
    this.#losses++;
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

type ProbeEnds = { readonly onDeaf: () => void; readonly onRefused: (answers: readonly unknown[]) => void };

class Probe {
  readonly #channels: readonly string[];
  readonly #frame: Buffer;
  readonly #connection: RedisConnection;
  readonly #ends: ProbeEnds;
  /** Channels that were probed and not heard since. */
  #unheard: Set<string>;
  #ticks = 0;

  constructor({ partitions, sender }: NodeLinkParts, connection: RedisConnection, ends: ProbeEnds) {
    this.#channels = partitions.map(({ channel }) => channel);
    this.#frame = encodeHints(sender, []);
    this.#connection = connection;
    this.#ends = ends;
    this.#unheard = new Set();
    this.#send();
  }

  heard(channel: string): void {
    this.#unheard.delete(channel);
  }

  tick(): void {
    this.#ticks++;
    if (this.#ticks % ticksPerProbe !== 0) return;
    if (this.#unheard.size === 0) return this.#send();
    this.#ends.onDeaf();
  }

  #send(): void {
    this.#unheard = new Set(this.#channels);
    const commands = this.#channels.map((channel): Command => ["SPUBLISH", channel, this.#frame]);
    // never rejects
    void this.#connection.callAll(commands).then((answers) => {
      if (answers.some((answer) => answer instanceof Error)) this.#ends.onRefused(answers);
    });
  }
}
