/** What a command has of the program around it. */
export type Program = {
  readonly version: string;
  /** To standard output. */
  readonly print: (text: string) => void;
  readonly env: NodeJS.ProcessEnv;
};
