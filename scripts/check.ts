/** `npm run check`: types, arrows and lint, format, unused code, generated code. All at once; prints what failed. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["types", "tsc", "-b"],
  ["lint and arrows", "oxlint", "--deny-warnings"],
  ["format (npm run format mends it)", "biome", "format", "."],
  ["unused code and dependencies", "knip", "--no-progress"],
  ["generated code (npm run gen makes it)", "node", "schemas/generator/main.ts", "--check"],
];

const startedAtMs = performance.now();
const failed = (await Promise.all(steps.map(runStep))).filter((name) => name !== undefined);
const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
if (failed.length > 0) {
  process.stdout.write(`check failed: ${failed.join(", ")} (${seconds} s)\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`check: all ${steps.length} steps passed in ${seconds} s\n`);
}

function runStep([name, command, ...args]: (typeof steps)[number]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", (error) => {
      process.stdout.write(`== ${name}\n${error.message}\n`);
      resolve(name);
    });
    child.on("close", (code) => {
      if (code === 0) return resolve(undefined);
      process.stdout.write(`== ${name}\n${output}\n`);
      resolve(name);
    });
  });
}
