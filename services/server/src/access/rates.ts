/** Named limits on how often somebody may do something; all front-ends of a cluster count together (RateCounter). */
import { type LimitName, QpqError } from "quicproquo-proto";
import type { RateCounter, RateLimit } from "../store/port.ts";

export type Rate = RateLimit & { readonly name: LimitName };

/** So many at once too, and then as many as come back: in the worst such time twice as many. Follows its limit. */
export function ratePer(seconds: number, name: LimitName, limits: Readonly<Record<LimitName, number>>): Rate {
  return {
    name,
    get perSecond() {
      return limits[name] / seconds;
    },
    get burst() {
      return limits[name];
    },
  };
}

/** Its burst is another limit. */
export function rateOf(name: LimitName, burst: LimitName, limits: Readonly<Record<LimitName, number>>): Rate {
  return {
    name,
    get perSecond() {
      return limits[name];
    },
    get burst() {
      return limits[burst];
    },
  };
}

/** `of`: who, or what. E018_RATE_LIMIT with the time until it would be admitted. */
export function requireRate(counter: RateCounter, rate: Rate, of: string, cost = 1): void {
  const retryAfterMs = counter.admit(`${rate.name} ${of}`, rate, cost);
  if (retryAfterMs > 0) throw new QpqError("E018_RATE_LIMIT", { retryAfterMs, fields: { limit: rate.name } });
}
