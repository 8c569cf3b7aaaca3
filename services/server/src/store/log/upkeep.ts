/**
 * Keeps the log short, between the callers' batches: checkpoints, segments that nothing stands in any more, and the
 * moving of what stands in those that are mostly dead.
 */
import { Compaction } from "./compaction.ts";
import { checkpointPath, listLogFolder, reservePath, segmentPath } from "./files.ts";
import type { Journal } from "./journal.ts";
import type { Position } from "./recovery.ts";

/** Also a log with little traffic lets go of what was removed. */
const segmentLifeMs = 24 * 3_600_000;

/** A checkpoint of 10,000 inboxes with 100,000 messages and ids. */
const reserveBytes = 8 * 1024 * 1024;

export type UpkeepParts = {
  /** Starts to make the checkpoint before the segment; `checkpointEnded` follows. */
  readonly startCheckpoint: (number: number) => void;
  readonly nowMs: number;
};

export class Upkeep {
  readonly #journal: Journal;
  readonly #parts: UpkeepParts;
  readonly #compaction: Compaction;
  #checkpoint: number;
  #isMakingCheckpoint = false;
  /** Segments that hold nothing any more, and where the log was when that was seen. */
  readonly #emptySince = new Map<number, Position>();
  #segment: number;
  #segmentSinceMs: number;

  constructor(journal: Journal, parts: UpkeepParts) {
    this.#journal = journal;
    this.#parts = parts;
    this.#compaction = new Compaction(journal);
    this.#checkpoint = journal.recovery.checkpoint;
    this.#segment = journal.segment;
    this.#segmentSinceMs = parts.nowMs;
  }

  /** There is a step to be done when nobody waits. */
  get hasWork(): boolean {
    return this.#compaction.isUnderWay;
  }

  /** After a batch: a look that costs nothing. */
  afterBatch(nowMs: number): void {
    if (this.#journal.segment === this.#segment) return;
    this.#segment = this.#journal.segment;
    this.#segmentSinceMs = nowMs;
    this.#makeCheckpoint();
  }

  /** Now and then: begins what is due. */
  sweep(nowMs: number): void {
    if (nowMs - this.#segmentSinceMs > segmentLifeMs && this.#journal.isBegun) this.#journal.rotate();
    this.afterBatch(nowMs);
    this.#makeCheckpoint();
    this.removeEmpty();
    this.#compaction.begin(this.#checkpoint);
  }

  /** One bounded piece of work. */
  step(): void {
    this.#compaction.step();
    if (!this.#compaction.isUnderWay) this.removeEmpty();
  }

  /** Slots and segments are others than before. */
  journalWasRestored(): void {
    this.#compaction.stop();
    this.#emptySince.clear();
  }

  /** It is made, or it was broken off: the folder tells. */
  checkpointEnded(): void {
    this.#isMakingCheckpoint = false;
    const { files, folder } = this.#journal.options;
    const newest = listLogFolder(files, folder).checkpoints.at(-1) ?? 0;
    if (newest === this.#checkpoint) return;
    // Its name may not be on the disk yet, and what is removed next is needed without it.
    files.syncFolder(folder);
    this.#checkpoint = newest;
    this.removeEmpty();
    this.#compaction.begin(newest);
    this.#keepReserve();
  }

  /**
   * What stands before the checkpoint and holds no body of a message that stands. Not before the reading thread has
   * followed so far: it may still look into it.
   */
  removeEmpty(): void {
    const { sealed, state, options, segment } = this.#journal;
    const { files, folder, positions } = options;
    let removed = 0;
    for (const number of sealed.keys()) {
      if (number >= this.#checkpoint || number >= segment) continue;
      if (state.use.liveBytes(number) > 0) {
        this.#emptySince.delete(number);
        continue;
      }
      const since = this.#emptySince.get(number) ?? positions.written;
      this.#emptySince.set(number, since);
      if (!positions.hasFollowed(since)) continue;
      files.remove(segmentPath(folder, number));
      this.#journal.forgetSegment(number);
      this.#emptySince.delete(number);
      removed++;
    }
    const old = listLogFolder(files, folder).checkpoints.filter((number) => number < this.#checkpoint);
    for (const number of old) files.remove(checkpointPath(folder, number));
    if (removed + old.length > 0) files.syncFolder(folder);
  }

  close(): void {
    this.#compaction.stop();
  }

  /** Not synced: it is there to be removed. Without it all else works. */
  #keepReserve(): void {
    const { files, folder, segmentBytesMax } = this.#journal.options;
    if (listLogFolder(files, folder).hasReserve) return;
    const path = reservePath(folder);
    const file = files.create(path);
    try {
      files.write(file, new Uint8Array(Math.min(reserveBytes, segmentBytesMax)), 0);
    } catch (error) {
      files.remove(path);
      throw error;
    } finally {
      files.close(file);
    }
  }

  #makeCheckpoint(): void {
    if (this.#isMakingCheckpoint || this.#checkpoint >= this.#journal.segment) return;
    if (this.#journal.segment === 1) return;
    this.#isMakingCheckpoint = true;
    this.#parts.startCheckpoint(this.#journal.segment);
  }
}
