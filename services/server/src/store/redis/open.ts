/**
 * What several front-ends share beside their Postgres: wake-ups, and what they counted for rate limits. All of it may be
 * slow, flushed or away at any time: then readers are told later, by their safety sweep, and each front-end counts for
 * itself. Nothing waits for it, and none of its errors is anybody else's. Redis 7.0 or later (sharded pub/sub).
 */
import type { RateCounter, WakeupBus } from "../port.ts";
import { parseRedisUrl, type RedisMode } from "./address.ts";
import { RedisRates } from "./rates.ts";
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
} as const;

export type RedisOptions = {
  /** A secret; address.ts says what it looks like. */
  readonly url: string;
  readonly mode: RedisMode;
  readonly connectMsMax?: number;
  readonly commandMsMax?: number;
  readonly probeMs?: number;
  readonly hintsWaitingMax?: number;
};

export type RedisStats = {
  /** Each told to all other front-ends. */
  readonly hintsSent: number;
  /** From other front-ends, whether somebody waited for them or not. */
  readonly hintsHeard: number;
  /** Too many waited for Redis: the safety sweep finds what they would have told. */
  readonly hintsDropped: number;
  readonly hintsWaiting: number;
  /** Connections lost; those of them that answered and did not hear; losses and tries to connect that failed. */
  readonly connectionsLost: number;
  readonly connectionsDeaf: number;
  readonly failures: number;
};

export type OpenedRedis = {
  readonly wakeups: WakeupBus;
  readonly rates: RateCounter;
  /** Everything is heard and can be told. */
  isUp(): boolean;
  /** Why it is not; undefined when it is, or when nothing was tried yet. */
  failure(): string | undefined;
  stats(): RedisStats;
  close(): Promise<void>;
};

/** E046_CONFIG. Resolves also when Redis is not there: it is tried again for as long as it takes. */
export async function openRedis(options: RedisOptions & { readonly listenersMax?: number }): Promise<OpenedRedis> {
  const { url, mode, listenersMax, ...bounds } = options;
  const { connectMsMax, commandMsMax, probeMs, hintsWaitingMax } = { ...redisDefaults, ...bounds };
  const wakeups = new RedisWakeups({
    address: parseRedisUrl(url, mode),
    mode,
    limits: { connectMsMax, commandMsMax },
    probeMs,
    hintsWaitingMax,
    listenersMax,
  });
  const rates = new RedisRates(wakeups.nodes);
  await wakeups.firstTry;
  return {
    wakeups,
    rates,
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
