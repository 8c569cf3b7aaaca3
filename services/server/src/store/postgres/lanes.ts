/**
 * Gathers work into batches and gives each batch to one of a few lanes. A lane has one batch in flight; what comes
 * meanwhile gathers, so the busier the database, the larger the batches.
 *
 * Order: work that shares a key is done in the order it came, whichever lanes it is in. While some work of a key is
 * unfinished, what follows joins its lane. Work with several keys that are busy in different lanes waits until the others
 * have finished theirs. Nobody waits for later work, so nothing waits in a circle.
 *
 * Work of idle keys gathers in one place until that is a good batch: with the lane that flushes at the end of this turn,
 * else with an idle one, else with the one that will probably be free first. Spread evenly over the lanes, batches were
 * half as large, and a message cost Postgres a third more CPU.
 *
 * Without that affinity two batches of one sender ran at once on two connections, and overtook each other 93 times in
 * 8,000 messages.
 */
import assert from "node:assert";
import { LatestByKey } from "./latest-by-key.ts";

export type Work = {
  /** What it must not overtake others at; may repeat, may be empty. */
  readonly keys: readonly string[];
  readonly rows: number;
  readonly bytes: number;
  /** Fills a batch by itself. */
  readonly isAlone: boolean;
};

export type LanesOptions<W> = {
  readonly lanes: number;
  /** A batch is closed when it holds this many rows ... */
  readonly rowsMax: number;
  /** ... or this many bytes; one piece of work always fits. */
  readonly bytesMax: number;
  /** So long a small batch waits for more while another one is under way. */
  readonly gatherMsMax: number;
  /** Carries a batch out and settles its work. Never rejects. */
  readonly run: (batch: readonly W[], lane: number) => Promise<void>;
};

/** A good batch, of which a larger one would not be much cheaper a row. */
const goodRows = 100;

class Place<W> {
  readonly work: W;
  readonly lane: Lane<W>;
  /** Earlier work of other lanes that it waits for. */
  blockers = 0;
  /** Later work of other lanes that waits for it. */
  readonly blocked: Place<W>[] = [];

  constructor(work: W, lane: Lane<W>) {
    this.work = work;
    this.lane = lane;
  }
}

class Lane<W> {
  readonly index: number;
  pending: Place<W>[] = [];
  /** Pending and in flight. */
  rows = 0;
  /** Pending; work that goes alone counts as a batch. */
  gatheredRows = 0;
  isRunning = false;
  /** Which of all batches the running one is. */
  batchNumber = 0;
  flushIsDue = false;
  /** Set while a small batch waits for more. */
  gathering: NodeJS.Timeout | undefined;

  constructor(index: number) {
    this.index = index;
  }
}

export class Lanes<W extends Work> {
  readonly #options: LanesOptions<W>;
  readonly #lanes: readonly Lane<W>[];
  /** The latest unfinished work of each key. */
  readonly #latest = new LatestByKey<Place<W>>();
  #unfinished = 0;
  /** Batches in flight. */
  #running = 0;
  #batches = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: LanesOptions<W>) {
    assert(options.lanes > 0);
    this.#options = options;
    this.#lanes = Array.from({ length: options.lanes }, (_, index) => new Lane<W>(index));
  }

  add(work: W): void {
    const place = new Place(work, this.#laneFor(work));
    for (const key of work.keys) {
      const before = this.#latest.get(key);
      this.#latest.set(key, place);
      if (before === undefined || before.lane === place.lane) continue;
      before.blocked.push(place);
      place.blockers++;
    }
    place.lane.pending.push(place);
    place.lane.rows += work.rows;
    place.lane.gatheredRows += this.#share(work);
    this.#unfinished++;
    this.#scheduleFlush(place.lane);
  }

  /** Resolves when everything added so far is finished. Once, and nothing may be added after it. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#unfinished === 0) resolve();
    });
  }

  #laneFor(work: W): Lane<W> {
    for (const key of work.keys) {
      const busy = this.#latest.get(key)?.lane;
      if (busy !== undefined) return busy;
    }
    const roomMax = Math.min(goodRows, this.#options.rowsMax) - this.#share(work);
    let idle: Lane<W> | undefined;
    let first: Lane<W> | undefined;
    let least = this.#lanes[0] as Lane<W>;
    for (const lane of this.#lanes) {
      const hasRoom = lane.gatheredRows <= roomMax;
      if (lane.flushIsDue && hasRoom) return lane;
      if (lane.rows === 0) idle ??= lane;
      if (hasRoom && lane.isRunning && (first === undefined || lane.batchNumber < first.batchNumber)) first = lane;
      if (lane.rows < least.rows) least = lane;
    }
    return idle ?? first ?? least;
  }

  #share({ isAlone, rows }: W): number {
    return isAlone ? Math.max(rows, this.#options.rowsMax) : rows;
  }

  /**
   * At the end of the turn, so that work of one turn of the event loop travels together. While another lane has a batch
   * with the database, a small one waits a moment for more: the commit before it is waited for anyway.
   */
  #scheduleFlush(lane: Lane<W>): void {
    if (lane.isRunning || (lane.flushIsDue && lane.gathering === undefined)) return;
    lane.flushIsDue = true;
    const { rowsMax, gatherMsMax } = this.#options;
    if (gatherMsMax > 0 && this.#running > 0 && lane.gatheredRows < Math.min(goodRows, rowsMax)) {
      lane.gathering ??= setTimeout(() => this.#flush(lane), gatherMsMax);
      return;
    }
    clearTimeout(lane.gathering);
    lane.gathering = undefined;
    setImmediate(() => this.#flush(lane));
  }

  #flush(lane: Lane<W>): void {
    lane.flushIsDue = false;
    lane.gathering = undefined;
    const batch = this.#nextBatch(lane);
    if (batch.length > 0) void this.#run(lane, batch); // run never rejects
  }

  #nextBatch(lane: Lane<W>): Place<W>[] {
    const { rowsMax, bytesMax } = this.#options;
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const { work, blockers } of lane.pending) {
      if (blockers > 0) break;
      rows += work.rows;
      bytes += work.bytes;
      if (count > 0 && (work.isAlone || rows > rowsMax || bytes > bytesMax)) break;
      count++;
      if (work.isAlone) break;
    }
    const batch = lane.pending.splice(0, count);
    for (const { work } of batch) lane.gatheredRows -= this.#share(work);
    return batch;
  }

  async #run(lane: Lane<W>, batch: readonly Place<W>[]): Promise<void> {
    lane.isRunning = true;
    this.#running++;
    lane.batchNumber = ++this.#batches;
    await this.#options.run(
      batch.map(({ work }) => work),
      lane.index,
    );
    lane.isRunning = false;
    this.#running--;
    for (const place of batch) this.#finish(place);
    if (lane.pending.length > 0) this.#scheduleFlush(lane);
    if (this.#running === 0)
      for (const other of this.#lanes) if (other.gathering !== undefined) this.#scheduleFlush(other);
    if (this.#unfinished === 0) this.#onIdle?.();
  }

  #finish(place: Place<W>): void {
    place.lane.rows -= place.work.rows;
    this.#unfinished--;
    for (const key of place.work.keys) this.#latest.remove(key, place);
    for (const later of place.blocked) {
      later.blockers--;
      if (later.blockers === 0) this.#scheduleFlush(later.lane);
    }
  }
}
