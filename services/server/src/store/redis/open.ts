/**
 * What several front-ends share beside their Postgres: wake-ups, what they counted for rate limits, and, if it is asked
 * for, what was appended a moment ago. All of it may be
 * slow, flushed or away at any time: then readers are told later, by their safety sweep, and each front-end counts for
 * itself. Nothing waits for it, and none of its errors is anybody else's. Redis 7.0 or later (sharded pub/sub).
 */
import type { Clock, RateCounter, WakeupBus } from "../port.ts";
import { parseRedisUrl, type RedisMode } from "./address.ts";
import { RedisRates } from "./rates.ts";
import { RedisTail } from "./tail.ts";
import { RedisWakeups } from "./wakeups.ts";

const redisDefaults = {
  /** Until a node answers commands. */
  connectMsMax: 2_000,
  /** A healthy one answers within a few ms, and a slow one must not be waited for. */
  commandMsMax: 1_000,
  /** A deaf connection is found within twice this. */
  probeMs: 5_000,
  /** 4 MB; some seconds of a busy front-end's appends. */
  hintsWaitingMax: 65_536,
  hotTail: false,
  /** Most messages of a chat; larger ones cost Redis more memory than they spare Postgres. */
  hotTailPayloadBytesMax: 4 * 1024,
} as const;

export type RedisOptions = {
  /** A secret; address.ts says what it looks like. */
  readonly url: string;
  readonly mode: RedisMode;
  readonly connectMsMax?: number;
  readonly commandMsMax?: number;
  readonly probeMs?: number;
  readonly hintsWaitingMax?: number;
  /** tail.ts. */
  readonly hotTail?: boolean;
  readonly hotTailPayloadBytesMax?: number;
};

export type RedisStats = {
  /** Each told to all other front-ends. */
  readonly hintsSent: number;
  /** From other front-ends, whether somebody waited for them or not. */
  readonly hintsHeard: number;
  /** Too many waited for Redis: the safety sweep finds what they would have told. */
  readonly hintsDropped: number;
  readonly hintsWaiting: number;
  /** Messages in the hot tail; reads that it has answered, and those that it could not answer. */
  readonly tailWritten: number;
  readonly tailHits: number;
  readonly tailMisses: number;
  /** Connections lost; those of them that answered and did not hear; losses and tries to connect that failed. */
  readonly connectionsLost: number;
  readonly connectionsDeaf: number;
  readonly failures: number;
};

export type OpenedRedis = {
  readonly wakeups: WakeupBus;
  readonly rates: RateCounter;
  readonly tail: RedisTail | undefined;
  /** Everything is heard and can be told. */
  isUp(): boolean;
  /** Why it is not; undefined when it is, or when nothing was tried yet. */
  failure(): string | undefined;
  stats(): RedisStats;
  close(): Promise<void>;
};

export type OpenRedisOptions = RedisOptions & {
  readonly listenersMax?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
};

/** E046_CONFIG. Resolves also when Redis is not there: it is tried again for as long as it takes. */
export async function openRedis(options: OpenRedisOptions): Promise<OpenedRedis> {
  const { url, mode, listenersMax, clock = Date.now, ...bounds } = options;
  const { connectMsMax, commandMsMax, probeMs, hintsWaitingMax, ...hot } = { ...redisDefaults, ...bounds };
  let tail: RedisTail | undefined;
  const wakeups = new RedisWakeups({
    address: parseRedisUrl(url, mode),
    mode,
    limits: { connectMsMax, commandMsMax },
    probeMs,
    hintsWaitingMax,
    listenersMax,
    onClaim: (inbox) => tail?.noteReader(inbox),
    written: (inbox) => tail?.written(inbox),
  });
  if (hot.hotTail) {
    tail = new RedisTail({
      nodes: wakeups.nodes,
      mode,
      clock,
      payloadBytesMax: hot.hotTailPayloadBytesMax,
      announce: (inbox) => wakeups.announce(inbox),
      tell: (inbox) => wakeups.publish(inbox),
    });
  }
  const rates = new RedisRates(wakeups.nodes);
  await wakeups.firstTry;
  return {
    wakeups,
    rates,
    tail,
    isUp: () => wakeups.nodes.areUp,
    failure: () => wakeups.nodes.failure,
    stats: () => {
      const { sent, heard, dropped, waiting } = wakeups.counts;
      const { losses, deafnesses, failures } = wakeups.nodes.counts;
      return {
        hintsSent: sent,
        hintsHeard: heard,
        hintsDropped: dropped,
        hintsWaiting: waiting,
        tailWritten: tail?.counts.written ?? 0,
        tailHits: tail?.counts.hits ?? 0,
        tailMisses: tail?.counts.misses ?? 0,
        connectionsLost: losses,
        connectionsDeaf: deafnesses,
        failures,
      };
    },
    async close() {
      rates.close();
      await wakeups.close();
    },
  };
}
