/**
 * Builds a C program for tests, once for each content: it lies below `.build/c` under a hash of its sources and flags.
 * Needs gcc; when something does not compile it throws what gcc prints.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const builds = join(import.meta.dirname, "../../../.build/c");
const flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"];

export type CSources = {
  /** Paths: the first *.c gives the program its name; headers beside them too, so that a change of one is seen. */
  readonly files: readonly [string, ...string[]];
  /** E.g. "gnutls". */
  readonly libraries?: readonly string[];
};

/** The path of the program. Two processes may ask for the same one at the same time. */
export async function buildC({ files, libraries = [] }: CSources): Promise<string> {
  const libraryFlags = libraries.map((name) => `-l${name}`);
  const hash = createHash("sha256").update([...flags, ...libraryFlags].join(" "));
  for (const file of files) hash.update(`\n${basename(file)}\n`).update(await readFile(file));
  const program = join(builds, `${basename(files[0], ".c")}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(program)) return program;
  await mkdir(builds, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const sources = files.filter((file) => file.endsWith(".c"));
  await run("gcc", [...flags, ...sources, "-o", fresh, ...libraryFlags]);
  await rename(fresh, program);
  return program;
}
