/** The shape of a command: one file a verb in commands/. */
import type { Options } from "./options.ts";
import type { Output } from "./output.ts";

export type Command = {
  /** Words behind the verb, as the help shows them. */
  readonly words: string;
  readonly doc: string;
  readonly wordsMin: number;
  readonly wordsMax: number;
  /** Throws QpqError; the exit code follows from its kind. */
  readonly run: (options: Options, output: Output, words: readonly string[]) => Promise<void>;
};
