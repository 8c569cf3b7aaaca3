/**
 * A program that answers its parent's questions over IPC, also several at a time: the processes of a scenario.
 * It ends with its parent. Errors of an answer end it too, so a measurement fails instead of meaning something else.
 */
type Question = { readonly question: number; readonly name: string; readonly task: unknown };

/** What each question is answered with; the task is what the asking side sends along. */
export type Answers = Readonly<Record<string, (task: never) => unknown>>;

export function answerParent(answers: Answers): void {
  process.once("disconnect", () => process.exit());
  process.on("message", async ({ question, name, task }: Question) => {
    const answer = answers[name];
    if (answer === undefined) throw new Error(`no answer to ${name}`);
    process.send?.({ question, answer: await answer(task as never) });
  });
}
