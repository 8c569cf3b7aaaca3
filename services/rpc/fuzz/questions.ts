/** The questions of one side of a session, by number; a number may be asked again while older uses are still answered. */

export type Question = {
  isFinished: boolean;
  /** What the Finish said of the capabilities in the results. */
  releasesResults: boolean;
  isReturned: boolean;
  /** What the session exported with it: in the parameters of its own question, in the results of its answer. */
  exports: readonly number[];
};

export class Questions {
  /** Uses that are not over, oldest first. */
  readonly #uses = new Map<number, Question[]>();
  /** Numbers that were answered before they were asked. */
  readonly #early = new Map<number, number>();

  ask(id: number, exports: readonly number[]): void {
    const early = this.#early.get(id) ?? 0;
    if (early > 0) this.#early.set(id, early - 1);
    const question = { isFinished: false, releasesResults: false, isReturned: early > 0, exports };
    const uses = this.#uses.get(id);
    if (uses === undefined) this.#uses.set(id, [question]);
    else uses.push(question);
  }

  /** A Return that was there before its question: a session's messages wait a little until they are written. */
  answerEarly(id: number): void {
    this.#early.set(id, (this.#early.get(id) ?? 0) + 1);
  }

  /** The oldest use that is not finished; undefined: there is none. */
  finish(id: number, releasesResults: boolean): Question | undefined {
    const question = this.#uses.get(id)?.find(({ isFinished }) => !isFinished);
    if (question === undefined) return undefined;
    question.isFinished = true;
    question.releasesResults = releasesResults;
    this.#forget(id);
    return question;
  }

  /** The oldest use that is not answered; undefined: there is none. */
  return(id: number): Question | undefined {
    const question = this.#uses.get(id)?.find(({ isReturned }) => !isReturned);
    if (question === undefined) return undefined;
    question.isReturned = true;
    this.#forget(id);
    return question;
  }

  isOpen(id: number): boolean {
    return this.#uses.has(id);
  }

  isUnfinished(id: number): boolean {
    return this.#uses.get(id)?.some(({ isFinished }) => !isFinished) ?? false;
  }

  isUnanswered(id: number): boolean {
    return this.#uses.get(id)?.some(({ isReturned }) => !isReturned) ?? false;
  }

  idsWhere(holds: (question: Question) => boolean): number[] {
    return [...this.#uses].filter(([, uses]) => uses.some(holds)).map(([id]) => id);
  }

  countWhere(holds: (question: Question) => boolean): number {
    let count = 0;
    for (const uses of this.#uses.values()) count += uses.filter(holds).length;
    return count;
  }

  #forget(id: number): void {
    const left = (this.#uses.get(id) ?? []).filter(({ isFinished, isReturned }) => !isFinished || !isReturned);
    if (left.length === 0) this.#uses.delete(id);
    else this.#uses.set(id, left);
  }
}
