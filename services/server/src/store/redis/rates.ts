/**
 * Rates that all front-ends count together. Each decides at once, from what it knows; every exchangeMs it adds to Redis
 * what it has admitted since, and learns what the others have.
 *
 * In between it may admit what it would not have, had it known: at most what its own bucket holds, and in the long run,
 * when buckets are empty, exchangeMs times the rate for each front-end. What was too much is owed: the rate holds over
 * time. With Redis away each front-end counts for itself, and what it admitted then is not charged afterwards.
 *
 * In Redis a bucket is the time at which it will be full again, by Redis's clock, and is gone when it is. Its name is a
 * hash: who sends to whom is not readable there.
 */
import { hash } from "node:crypto";
import { LocalRates } from "../local-rates.ts";
import type { RateCounter, RateLimit } from "../port.ts";
import type { RedisNodes } from "./nodes.ts";
import { type Partition, partitionOf } from "./partitions.ts";

const exchangeMs = 100;

/**
 * Of a bucket. Who has taken less than that from it is not told of: nearly all senders never have, and 20,000 messages/s
 * would be as many buckets to exchange.
 */
const untoldShare = 0.1;

/** Of one exchange; buckets beyond it are told of another time. */
const bucketsMax = 20_000;
/** A call of the script: about 1 ms of Redis. */
const bucketsAtOnce = 500;

/** Takes so many ms out of each bucket; answers how many are missing in each. */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local missing = {}
for i, key in ipairs(KEYS) do
  local full = math.max(now, tonumber(redis.call('GET', key) or 0)) + tonumber(ARGV[i])
  missing[i] = math.max(1, math.ceil(full - now))
  redis.call('SET', key, string.format('%.3f', full), 'PX', missing[i])
end
return missing`;

type Spent = { readonly key: string; readonly ms: number };

export class RedisRates implements RateCounter {
  readonly #nodes: RedisNodes;
  readonly #local: LocalRates;
  readonly #timer: ReturnType<typeof setInterval>;
  /** ms that were taken out of buckets since the last exchange. */
  #spent = new Map<string, number>();
  #isExchanging = false;

  constructor(nodes: RedisNodes, local: LocalRates = new LocalRates()) {
    this.#nodes = nodes;
    this.#local = local;
    this.#timer = setInterval(() => void this.#exchange(), exchangeMs); // never rejects
  }

  admit(key: string, limit: RateLimit, cost: number): number {
    const waitMs = this.#local.admit(key, limit, cost);
    if (waitMs === 0) this.#note(key, limit, cost);
    return waitMs;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #note(key: string, { perSecond, burst }: RateLimit, cost: number): void {
    const msEach = 1_000 / perSecond;
    if (this.#local.missingMs(key) < burst * msEach * untoldShare) return;
    const before = this.#spent.get(key);
    if (before === undefined && this.#spent.size >= bucketsMax) return;
    this.#spent.set(key, (before ?? 0) + cost * msEach);
  }

  async #exchange(): Promise<void> {
    if (this.#isExchanging || this.#spent.size === 0) return;
    this.#isExchanging = true;
    const spent = this.#spent;
    this.#spent = new Map();
    await Promise.all([...byPartition(spent)].map(([partition, some]) => this.#exchangeIn(partition, some)));
    this.#isExchanging = false;
  }

  async #exchangeIn(partition: Partition, spent: readonly Spent[]): Promise<void> {
    for (let at = 0; at < spent.length; at += bucketsAtOnce) {
      const some = spent.slice(at, at + bucketsAtOnce);
      const names = some.map(({ key }) => nameIn(partition, key));
      const costs = some.map(({ ms }) => ms.toFixed(3));
      const missing = await this.#nodes.linkOf(partition)?.call(["EVAL", script, some.length, ...names, ...costs]);
      if (missing === undefined) return; // forgotten: each counts for itself
      for (const [i, missingMs] of (missing as number[]).entries()) this.#local.owe((some[i] as Spent).key, missingMs);
    }
  }
}

function byPartition(spent: ReadonlyMap<string, number>): Map<Partition, Spent[]> {
  const groups = new Map<Partition, Spent[]>();
  for (const [key, ms] of spent) {
    const partition = partitionOf(key);
    const group = groups.get(partition);
    if (group === undefined) groups.set(partition, [{ key, ms }]);
    else group.push({ key, ms });
  }
  return groups;
}

function nameIn({ index }: Partition, key: string): string {
  return `qpq:rate:{${index}}:${hash("sha256", key, "base64url").slice(0, 22)}`;
}
