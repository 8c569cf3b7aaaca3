import type { ConfigSources } from "../config.ts";
import type { OwnOption, OwnOptions } from "./own-options.ts";

/** What a command has of the program around it. */
export type Program = {
  readonly version: string;
  /** Behind the command's own word, before the flags. */
  readonly words: readonly string[];
  /** To standard output. */
  readonly print: (text: string) => void;
  readonly env: NodeJS.ProcessEnv;
};

/** A command with flags of its own, or one that also runs where the settings are wrong: it reads them itself. */
export type OwnCommand = {
  readonly options: Readonly<Record<string, OwnOption>>;
  readonly run: (program: OwnProgram) => Promise<void>;
};

export type OwnProgram = Program & {
  readonly options: OwnOptions;
  /** Of the settings: everything that is no flag of the command. */
  readonly sources: ConfigSources;
};
