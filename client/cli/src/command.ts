/** The shape of a command: one file a verb in commands/. */
import type { Options, OwnFlags } from "./options.ts";
import type { Output } from "./output.ts";
import { withNextStep } from "./next-step.ts";
import { Person } from "./person.ts";

export type Command = {
  /** Words behind the verb, as the help shows them. */
  readonly words: string;
  readonly doc: string;
  readonly wordsMin: number;
  readonly wordsMax: number;
  /** Flags of its own, and what `qpq VERB --help` says: loaded where they are asked for. */
  readonly own?: (words: readonly string[]) => Promise<Own>;
  /** Throws QpqError; the exit code follows from its kind. */
  readonly run: (options: Options, output: Output, words: readonly string[]) => Promise<void>;
};

type Own = {
  readonly flags: OwnFlags;
  readonly help: string;
  /** What may stand behind the verb, each with what it is: for completion. */
  readonly words?: Readonly<Record<string, string>>;
};

export type PersonalWork = (
  person: Person,
  context: { options: Options; output: Output; words: readonly string[] },
) => Promise<void>;

/** A command of a person with their conversations: opens them, does the work, shows the layers, closes them. */
export function personal(shape: Omit<Command, "run" | "own">, work: PersonalWork): Command {
  return {
    ...shape,
    async run(options, output, words) {
      await using person = await Person.open(options, output);
      try {
        await work(person, { options, output, words });
      } catch (error) {
        throw withNextStep(error, person.account.username);
      }
      if (options.verbose) output.layers(person.client.current, person.traffic);
    },
  };
}
