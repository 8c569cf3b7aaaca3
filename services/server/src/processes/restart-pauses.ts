/**
 * How long to wait before a process that has ended is started again: not at all after a long life, and longer and longer
 * after short ones, so that one that cannot live costs little and is told of.
 */

export const restartLimits = {
  /** A life this long says that the process can live. */
  longLifeMs: 10_000,
  firstPauseMs: 100,
  pauseMsMax: 10_000,
  /** So many short lives in a row are a crash loop. */
  loopLives: 5,
} as const;

export type Pause = {
  readonly ms: number;
  /** Short lives in a row, the last one included. */
  readonly shortLives: number;
  readonly isLoop: boolean;
};

export class RestartPauses {
  #shortLives = 0;

  /** `livedMs`: how long it served; 0 when it never did. */
  after(livedMs: number): Pause {
    const { longLifeMs, firstPauseMs, pauseMsMax, loopLives } = restartLimits;
    this.#shortLives = livedMs >= longLifeMs ? 0 : this.#shortLives + 1;
    const shortLives = this.#shortLives;
    const ms = shortLives === 0 ? 0 : Math.min(firstPauseMs * 2 ** (shortLives - 1), pauseMsMax);
    return { ms, shortLives, isLoop: shortLives >= loopLives };
  }
}
