/** The questions of one side of a session, by number; a number may be asked again while older uses are still answered. */

export type Question = {
  isFinished: boolean;
  /** What the Finish said of the capabilities in the results. */
  releasesResults: boolean;
  isReturned: boolean;
  /** By a Return that needed no Finish. */
  isEnded: boolean;
  /** Others of its number were open when it was finished: if it ended by its Return, the Finish was one of theirs. */
  hadOthers: boolean;
  /** What the session sent with it, in the parameters of its own question or the results of its answer; by number. */
  exports: readonly number[];
  /** What the peer sent with it, likewise. */
  imports: readonly number[];
};

/** A Return: what it says of the parameters' capabilities, the objects it brought, and whether it needs no Finish. */
export type EarlyAnswer = {
  readonly releasesParams: boolean;
  readonly imports: readonly number[];
  readonly isLast: boolean;
};

export class Questions {
  /** Uses that are not over, oldest first. */
  readonly #uses = new Map<number, Question[]>();
  /** Questions whose number was asked again while they were open, as far as was known. */
  readonly #askedOnTop: { readonly id: number; readonly before: Question }[] = [];
  /** Answers that came before their questions: a session's messages wait a little until they are written. */
  readonly #early = new Map<number, EarlyAnswer[]>();

  /** Answers what was answered already. */
  ask(
    id: number,
    { exports = [], imports = [] }: { exports?: readonly number[]; imports?: readonly number[] },
  ): EarlyAnswer | undefined {
    const early = this.#early.get(id)?.shift();
    const before = this.#uses.get(id)?.find(({ isFinished }) => !isFinished);
    if (before !== undefined) this.#askedOnTop.push({ id, before });
    const isReturned = early !== undefined;
    const question = {
      isFinished: false,
      releasesResults: false,
      isReturned,
      isEnded: false,
      hadOthers: false,
      exports,
      imports,
    };
    if (early !== undefined) question.imports = early.imports;
    if (early?.isLast === true) return early;
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
    const [question, ...others] = this.#uses.get(id)?.filter(({ isFinished }) => !isFinished) ?? [];
    if (question === undefined) return undefined;
    question.isFinished = true;
    question.releasesResults = releasesResults;
    question.hadOthers = others.length > 0;
    this.#forget(id);
    return question;
  }

  /** The oldest use that is not answered; undefined: there is none. `isLast`: it needs no Finish. */
  return(id: number, isLast: boolean): Question | undefined {
    const question = this.#uses.get(id)?.find(({ isReturned }) => !isReturned);
    if (question === undefined) return undefined;
    question.isReturned = true;
    if (isLast) [question.isFinished, question.isEnded] = [true, true];
    this.#forget(id);
    return question;
  }

  /** A number that was in use when it was asked, unless an answer that needed no Finish had made it free. */
  get askedTwice(): number | undefined {
    return this.#askedOnTop.find(({ before }) => !before.isEnded)?.id;
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
