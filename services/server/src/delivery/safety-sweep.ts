/**
 * The net under the hints: asks the store which of the waiting readers have something behind their cursor, and tells
 * those to look. A message whose hint was lost is so found within one round. On a store of one process, where no hint
 * is lost, there is none.
 *
 *     round: every idle reader once in roundMs to 2 roundMs (15 to 30 s), 1,000 a query, the queries spread over the round
 *     soon:  readers whose bus was cut off, 1,000 every 20 ms: a query for all of them instead of a read for each
 *
 * One query at a time. While the store fails it is asked every second or two.
 */
import type { HintSource, Store } from "../store/port.ts";
import type { Reader } from "./readers.ts";

type ReadHeads = NonNullable<Store["readHeads"]>;

export type SafetySweepParts = {
  readonly readHeads: ReadHeads;
  readonly readers: () => Iterable<Reader>;
  /** How many `readers` has, idle or not. */
  readonly count: () => number;
  readonly pace: Pick<SweepPace, "roundMs"> & Partial<SweepPace>;
};

export type SweepPace = {
  /** A round takes this, and up to as much again. */
  readonly roundMs: number;
  readonly soonMs: number;
  readonly failedMs: number;
};

const defaultPace = { soonMs: 20, failedMs: 1_000 } as const;

/** What readHeads takes: about 4 ms of Postgres's time. */
const readersMax = 1_000;

export class SafetySweep {
  readonly #parts: SafetySweepParts;
  readonly #pace: SweepPace;
  /** Those who are not to wait for their turn in the round, and why. */
  readonly #soon = new Map<Reader, HintSource>();
  #round: Iterator<Reader> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isRunning = false;

  constructor(parts: SafetySweepParts) {
    this.#parts = parts;
    this.#pace = { ...defaultPace, ...parts.pace };
  }

  start(): void {
    this.#isRunning = true;
    this.#sleep(this.#pauseMs());
  }

  stop(): void {
    this.#isRunning = false;
    this.#soon.clear();
    clearTimeout(this.#timer);
  }

  /** The reader may have missed a hint. Which one looks is decided by one query for many. */
  askSoon(reader: Reader, source: HintSource): void {
    if (!this.#isRunning) return reader.lookFor(source);
    this.#soon.set(reader, source);
    // the first one sets the time for all that come until then
    if (this.#soon.size === 1 && !this.#isAsking) this.#sleep(this.#pace.soonMs);
  }

  /** It waits no more. */
  forget(reader: Reader): void {
    if (this.#soon.size > 0) this.#soon.delete(reader);
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isRunning) return;
    this.#timer = setTimeout(() => void this.#ask(), ms);
    this.#timer.unref();
  }

  /** Until the next query of the round. */
  #pauseMs(): number {
    const queries = Math.max(1, Math.ceil(this.#parts.count() / readersMax));
    return (this.#pace.roundMs * (1 + Math.random())) / queries;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const batch = this.#soon.size > 0 ? this.#takeSoon() : this.#takeOfRound();
    try {
      if (batch.size > 0) await this.#tell(batch);
    } catch {
      // that it fails is told by the store's own condition
      for (const [reader, source] of batch) if (reader.isIdle && this.#isRunning) this.#soon.set(reader, source);
      this.#isAsking = false;
      return this.#sleep(this.#pace.failedMs * (1 + Math.random()));
    }
    this.#isAsking = false;
    this.#sleep(this.#soon.size > 0 ? this.#pace.soonMs : this.#pauseMs());
  }

  async #tell(batch: ReadonlyMap<Reader, HintSource>): Promise<void> {
    const cursors = Array.from(batch.keys(), ({ inbox, after, storeEpoch }) => ({ inbox, after, storeEpoch }));
    const withNews = new Set(await this.#parts.readHeads(cursors));
    for (const [reader, source] of batch) if (withNews.has(reader.inbox)) reader.lookFor(source);
  }

  #takeSoon(): Map<Reader, HintSource> {
    const batch = new Map<Reader, HintSource>();
    for (const [reader, source] of this.#soon) {
      this.#soon.delete(reader);
      // what is under way may have looked before what was missed
      if (!reader.isIdle) reader.lookFor(source);
      else if (batch.set(reader, source).size === readersMax) break;
    }
    return batch;
  }

  /** Who comes during a round stands at its end; a round that is over begins again. */
  #takeOfRound(): Map<Reader, HintSource> {
    const batch = new Map<Reader, HintSource>();
    this.#round ??= this.#parts.readers()[Symbol.iterator]();
    while (batch.size < readersMax) {
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = undefined;
        break;
      }
      if (next.value.isIdle) batch.set(next.value, "timer");
    }
    return batch;
  }
}
