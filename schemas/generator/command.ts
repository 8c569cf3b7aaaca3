/** The generator's command line: makes the modules of all targets, or says which are not up to date. */
import { check, generate } from "./generate.ts";
import { SchemaError } from "./schema-model.ts";
import type { Target } from "./targets.ts";

export type Surroundings = {
  /** What the targets' paths are relative to. */
  readonly folder: string;
  readonly targets: readonly Target[];
  readonly print: (line: string) => void;
};

/** Answers the exit code: 0 done or up to date, 1 not up to date or a schema is refused, 2 wrong usage. */
export function run(args: readonly string[], around: Surroundings): number {
  if (args.some((argument) => argument !== "--check")) {
    around.print("usage: node schemas/generator/main.ts [--check]");
    return 2;
  }
  try {
    return args.includes("--check") ? checkAll(around) : generateAll(around);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    around.print(error.message);
    return 1;
  }
}

function generateAll({ folder, targets, print }: Surroundings): number {
  for (const target of targets) for (const file of generate(folder, target)) print(`wrote ${file}`);
  return 0;
}

function checkAll({ folder, targets, print }: Surroundings): number {
  const problems = targets.flatMap((target) => check(folder, target));
  for (const { file, text } of problems) print(`${file}: ${text}`);
  if (problems.length > 0) print("run `npm run gen` and commit what it writes");
  return problems.length === 0 ? 0 : 1;
}
