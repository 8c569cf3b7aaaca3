/**
 * Finds readers who sleep beside a message: parked calls and subscriptions that look for nothing although something stands
 * in their inbox, for longer than two rounds of the safety sweep and what the database may take to answer.
 */
import type { Reader } from "../../src/delivery/readers.ts";
import type { Database } from "./database.ts";
import type { FrontEnd } from "./front-end.ts";

/** Between two looks at all readers, ms. */
export const checkMs = 50;
/** Of the sweep after a query that failed, its query, and the look that follows; ms. */
const slackMs = 2_500;

export class Sleepers {
  readonly #database: Database;
  readonly #boundMs: number;
  /** Who looks for nothing beside a message, and since when. */
  readonly #suspects = new Map<Reader, number>();
  readonly #found = new Set<Reader>();

  constructor(database: Database, sweepMs: number) {
    this.#database = database;
    this.#boundMs = 2 * sweepMs + slackMs;
  }

  get count(): number {
    return this.#found.size;
  }

  /** What is to be told of sleepers found now. */
  check(frontEnd: FrontEnd, nowMs: number): string[] {
    const { link, domains, name } = frontEnd;
    const told: string[] = [];
    for (const readers of [domains.waiters.readers, domains.subscriptions.readers]) {
      for (const reader of readers) {
        const lookedAtMs = link.lookedAtMs.get(reader.inbox) ?? 0;
        const isBelieved = lookedAtMs >= this.#database.failedOverAtMs;
        const after = isBelieved ? reader.after : min(reader.after, this.#database.lastSurvivorOf(reader.inbox));
        if (!reader.isIdle || !this.#database.hasNews(reader.inbox, after)) {
          this.#suspects.delete(reader);
          continue;
        }
        const sinceMs = this.#suspects.get(reader) ?? nowMs;
        this.#suspects.set(reader, sinceMs);
        const calmMs = nowMs - Math.max(sinceMs, link.troubleAtMs, lookedAtMs);
        if (calmMs <= this.#boundMs || this.#found.has(reader)) continue;
        this.#found.add(reader);
        told.push(`a reader sleeps at ${name} beside a message, since ${(sinceMs / 1_000).toFixed(3)} s`);
      }
    }
    return told;
  }
}

function min(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
