/** `node schemas/generator/main.ts [--check]`: makes src/gen from the schemas, or exits 1 when it is not up to date. */
import path from "node:path";
import { run } from "./command.ts";
import { targets } from "./targets.ts";

const folder = path.dirname(import.meta.dirname);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
process.exitCode = run(process.argv.slice(2), { folder, targets, print });
