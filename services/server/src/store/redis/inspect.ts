/** What an operator should know of a Redis: one connection to the first node that answers, and two questions. */
import { parseRedisUrl, type RedisMode } from "./address.ts";
import { RedisConnection } from "./connection.ts";

export type RedisFacts = {
  /** As `7.0.15`. */
  readonly version: string;
  /** Its clock less ours, in ms; good to the round trip. */
  readonly clockAheadMs: number;
};

const answerMsMax = 2_000;

/** E046_CONFIG for the URL; rejects with the driver's error, which holds no password, when no node answers. */
export async function inspectRedis(url: string, mode: RedisMode, clock: () => number): Promise<RedisFacts> {
  const address = parseRedisUrl(url, mode);
  const limits = { connectMsMax: answerMsMax, commandMsMax: answerMsMax };
  let reason: unknown;
  for (const host of address.hosts) {
    const { signal } = new AbortController();
    try {
      const connection = await RedisConnection.open(address, host, limits, signal);
      try {
        const info = String(await connection.call(["INFO", "server"]));
        const askedAtMs = clock();
        const [seconds, micros] = (await connection.call(["TIME"])) as readonly [Buffer, Buffer];
        const middleMs = (askedAtMs + clock()) / 2;
        return {
          version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? "0",
          clockAheadMs: Number(seconds) * 1_000 + Number(micros) / 1_000 - middleMs,
        };
      } finally {
        connection.destroy();
      }
    } catch (error) {
      reason = error;
    }
  }
  throw reason;
}
