/** `node schemas/generator/main.ts [--check]`: makes src/gen from the schemas, or exits 1 when it is not up to date. */
import path from "node:path";
import { check, generate } from "./generate.ts";
import { SchemaError } from "./schema-model.ts";
import { targets } from "./targets.ts";

const folder = path.dirname(import.meta.dirname);

function main(args: readonly string[]): number {
  if (args.some((argument) => argument !== "--check")) {
    console.error("usage: node schemas/generator/main.ts [--check]");
    return 2;
  }
  if (!args.includes("--check")) {
    for (const target of targets) for (const file of generate(folder, target)) console.log(`wrote ${file}`);
    return 0;
  }
  const problems = targets.flatMap((target) => check(folder, target));
  for (const { file, text } of problems) console.error(`${file}: ${text}`);
  if (problems.length > 0) console.error("run `npm run gen` and commit what it writes");
  return problems.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SchemaError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
