/** What a command has of the program around it. */
export type Program = {
  readonly version: string;
  /** Behind the command's own word, before the flags. */
  readonly words: readonly string[];
  /** To standard output. */
  readonly print: (text: string) => void;
  readonly env: NodeJS.ProcessEnv;
};
