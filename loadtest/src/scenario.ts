/** A scenario measures ours and what it is compared to in one run, alternately, several times. */
import type { ParseArgsConfig } from "node:util";
import type { Report } from "./report.ts";
import type { ReportNames } from "./report-names.ts";

export type RunOptions = {
  /** Ends within 45 s, set-up included; may leave out slow figures, never changes their meaning. */
  readonly quick: boolean;
  /** Values of the scenario's own options, by name. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly say: (text: string) => void;
};

export type Scenario = {
  readonly doc: string;
  /** What its report has, measured or null, with --quick and without. */
  readonly names: ReportNames;
  /** Flags beside --quick and --json. */
  readonly options?: NonNullable<ParseArgsConfig["options"]>;
  readonly run: (options: RunOptions) => Promise<Omit<Report, "scenario" | "host">>;
};
