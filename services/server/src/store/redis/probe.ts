/**
 * Shows that a connection hears: healthy ones can be deaf, because a relay between has forgotten half of it, or the node
 * no longer knows of the subscription. Every probeMs a frame without hints is published to each channel; when one isn't
 * heard before the next is due, the connection is deaf. That time is counted in ticks of our own, for a loop that stood
 * still has heard nothing either.
 */
import type { Command, RedisConnection } from "./connection.ts";
import { encodeHints } from "./hint-frame.ts";
import type { Partition } from "./partitions.ts";

export type ProbeOptions = {
  readonly partitions: readonly Partition[];
  readonly sender: Buffer;
  readonly probeMs: number;
};

export type ProbeEnds = {
  readonly onDeaf: () => void;
  /** The node does not take it. */
  readonly onRefused: (error: Error) => void;
};

const ticksPerProbe = 5;

export class Probe implements Disposable {
  readonly #connection: RedisConnection;
  readonly #channels: readonly string[];
  readonly #frame: Buffer;
  readonly #ends: ProbeEnds;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #firstHeard = Promise.withResolvers<void>();
  /** Channels that were probed and not heard since. */
  #unheard = new Set<string>();
  #ticks = 0;

  constructor(connection: RedisConnection, { partitions, sender, probeMs }: ProbeOptions, ends: ProbeEnds) {
    this.#connection = connection;
    this.#channels = partitions.map(({ channel }) => channel);
    this.#frame = encodeHints(sender, []);
    this.#ends = ends;
    this.#timer = setInterval(() => this.#tick(), probeMs / ticksPerProbe);
    this.#send();
  }

  /** Resolves when each channel was heard once. */
  get firstHeard(): Promise<void> {
    return this.#firstHeard.promise;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** A frame of our own has come over the channel. */
  heard(channel: string): void {
    if (this.#unheard.delete(channel) && this.#unheard.size === 0) this.#firstHeard.resolve();
  }

  #tick(): void {
    this.#ticks++;
    if (this.#ticks % ticksPerProbe !== 0) return;
    if (this.#unheard.size === 0) this.#send();
    else this.#ends.onDeaf();
  }

  #send(): void {
    this.#unheard = new Set(this.#channels);
    const commands = this.#channels.map((channel): Command => ["SPUBLISH", channel, this.#frame]);
    // never rejects
    void this.#connection.callAll(commands).then((answers) => {
      const error = answers.find((answer) => answer instanceof Error);
      if (error instanceof Error) this.#ends.onRefused(error);
    });
  }
}
