/**
 * Builds a C++ program from Cap'n Proto schemas and sources, once for each content: what was built lies
 * below `.build/cpp` under a hash of the files, the compilers' versions and the flags. Needs capnp, libcapnp-dev and g++;
 * without them, or when something does not compile, it throws what they print.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const builds = join(import.meta.dirname, "../../../.build/cpp");
const alwaysFlags = ["-std=c++17", "-Wall", "-Werror"];
const libraries = ["-lcapnp-rpc", "-lcapnp", "-lkj-async", "-lkj"];

export type CppSources = {
  /** Of the program. */
  readonly name: string;
  /** Paths with different last names: *.capnp, *.cpp, and the *.h beside them. */
  readonly files: readonly string[];
  /** -O2, for measurements; without it compiling takes half the time. */
  readonly isOptimized?: boolean;
};

/** The path of the program. Two processes may ask for the same one at the same time. */
export async function buildCpp({ name, files, isOptimized = false }: CppSources): Promise<string> {
  const flags = [...alwaysFlags, isOptimized ? "-O2" : "-O0"];
  const folder = join(builds, `${name}-${await hashOf(files, flags)}`);
  const program = join(folder, name);
  if (existsSync(program)) return program;
  await mkdir(builds, { recursive: true });
  const fresh = await mkdtemp(join(builds, `.${name}-`));
  try {
    await compile({ name, files, flags }, fresh);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true });
    // The other of two that built the same was quicker: its folder is as good.
    if (!existsSync(program)) throw error;
  }
  await removeOlder(name, folder);
  return program;
}

async function hashOf(files: readonly string[], flags: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update([...flags, ...libraries].join(" "));
  for (const compiler of ["capnp", "g++"]) hash.update((await run(compiler, ["--version"])).stdout);
  for (const file of files) hash.update(`\n${basename(file)}\n`).update(await readFile(file));
  return hash.digest("hex").slice(0, 16);
}

type Build = { readonly name: string; readonly files: readonly string[]; readonly flags: readonly string[] };

async function compile({ name, files, flags }: Build, folder: string): Promise<void> {
  const options = { cwd: folder };
  const names = files.map((file) => basename(file));
  await Promise.all(files.map((file) => copyFile(file, join(folder, basename(file)))));
  const schemas = names.filter((file) => file.endsWith(".capnp"));
  await run("capnp", ["compile", "-oc++", ...schemas], options);
  const generated = schemas.map((schema) => `${schema}.c++`);
  const sources = [...generated, ...names.filter((file) => file.endsWith(".cpp"))];
  const compiled = sources.map((source) => run("g++", [...flags, "-c", source, "-o", `${source}.o`], options));
  // None may still write when the folder of a failed build is removed.
  await Promise.allSettled(compiled);
  await Promise.all(compiled);
  await run("g++", [...sources.map((source) => `${source}.o`), "-o", name, ...libraries], options);
}

/** What other contents of the same program left behind. */
async function removeOlder(name: string, kept: string): Promise<void> {
  for (const entry of await readdir(dirname(kept))) {
    const isOurs = entry.startsWith(`${name}-`) && entry !== basename(kept);
    if (isOurs) await rm(join(dirname(kept), entry), { recursive: true, force: true });
  }
}
