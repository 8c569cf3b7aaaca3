/** The questions of one side of a session, by number; a number may be asked again while older uses are still answered. */

export type Question = {
  isFinished: boolean;
  /** What the Finish said of the capabilities in the results. */
  releasesResults: boolean;
  isReturned: boolean;
  /** What the session sent with it, in the parameters of its own question or the results of its answer; by number. */
  exports: readonly number[];
  /** What the peer sent with it, likewise. */
  imports: readonly number[];
};

/** A Return: what it says of the parameters' capabilities, and the objects it brought. */
export type EarlyAnswer = { readonly releasesParams: boolean; readonly imports: readonly number[] };

export class Questions {
  /** Uses that are not over, oldest first. */
  readonly #uses = new Map<number, Question[]>();
  /** Answers that came before their questions: a session's messages wait a little until they are written. */
  readonly #early = new Map<number, EarlyAnswer[]>();

  /** Answers what was answered already. */
  ask(
    id: number,
    { exports = [], imports = [] }: { exports?: readonly number[]; imports?: readonly number[] },
  ): EarlyAnswer | undefined {
    const early = this.#early.get(id)?.shift();
    const question = { isFinished: false, releasesResults: false, isReturned: early !== undefined, exports, imports };
    if (early !== undefined) question.imports = early.imports;
    const uses = this.#uses.get(id);
    if (uses === undefined) this.#uses.set(id, [question]);
    else uses.push(question);
    return early;
  }

  answerEarly(id: number, answer: EarlyAnswer): void {
    const early = this.#early.get(id);
    if (early === undefined) this.#early.set(id, [answer]);
    else early.push(answer);
  }

  /** The number of an answer whose question never came. */
  get unasked(): number | undefined {
    for (const [id, answers] of this.#early) if (answers.length > 0) return id;
    return undefined;
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
