/**
 * What the Dockerfile would make, without a container engine: its build stage run in a folder that has what it copies and no
 * more, its last stage over the files of Debian's slim image. Instructions that it doesn't know throw.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDebianRoot } from "./debian-root.ts";
import {
  assignmentsIn,
  execForm,
  type Instruction,
  parseDockerfile,
  reachesBuild,
  type Stage,
  textOf,
} from "./dockerfile.ts";

export const repository = fileURLToPath(new URL("../../", import.meta.url));
export const dockerfile = `${repository}deploy/Dockerfile`;

export type Image = {
  readonly root: string;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly user: number;
  /** The one that it declares. */
  readonly volume: string;
};

/** Into an empty folder. Installs production packages by npm, as the Dockerfile says. */
export function buildImage(folder: string): Image {
  const stages = parseDockerfile(dockerfile);
  const build = join(folder, "build");
  for (const instruction of stageOf(stages, "build").instructions) runInBuild(build, instruction);

  const server = stageOf(stages, "server");
  const root = join(folder, "root");
  for (const instruction of server.instructions) runInServer(root, build, instruction);
  const workingDir = textOf(server, "WORKDIR");
  return {
    root,
    entrypoint: execForm(textOf(server, "ENTRYPOINT")),
    healthcheck: execForm(textOf(server, "HEALTHCHECK")),
    env: assignmentsIn(textOf(server, "ENV")),
    workingDir,
    user: Number(textOf(server, "USER").split(":")[0]),
    volume: execForm(textOf(server, "VOLUME"))[0] ?? "",
  };
}

function stageOf(stages: readonly Stage[], name: string): Stage {
  const stage = stages.find((each) => each.name === name);
  if (stage === undefined) throw new Error(`no stage ${name}`);
  return stage;
}

function runInBuild(build: string, { name, text }: Instruction): void {
  const workingDir = join(build, "opt/qpq-server");
  if (name === "FROM") return;
  if (name === "WORKDIR") mkdirSync(join(build, text), { recursive: true });
  else if (name === "COPY") copyFromContext(workingDir, text.split(/\s+/));
  else if (name === "RUN") {
    execFileSync("sh", ["-ec", text], { cwd: workingDir, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  } else throw new Error(`build: ${name} ${text}`);
}

/** Without what an npm that runs the tests says to the npm within. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}

function copyFromContext(workingDir: string, words: readonly string[]): void {
  const target = words.at(-1) ?? "";
  for (const source of words.slice(0, -1)) {
    if (!reachesBuild(`${dockerfile}.dockerignore`, source)) throw new Error(`${source} is left out by .dockerignore`);
    const intoFolder = target.endsWith("/");
    cpSync(repository + source, join(workingDir, target, intoFolder ? basename(source) : ""), { recursive: true });
  }
}

function runInServer(root: string, build: string, { name, text }: Instruction): void {
  const packages = / apt-get install -y --no-install-recommends ([a-z0-9 .+-]+?) *(?:&&|$)/.exec(text)?.[1];
  if (name === "RUN" && packages !== undefined) makeDebianRoot(root, packages.split(" "));
  else if (name === "RUN")
    execFileSync("/usr/sbin/chroot", [root, "sh", "-ec", text], { stdio: ["ignore", "pipe", "pipe"] });
  else if (name === "WORKDIR") mkdirSync(join(root, text), { recursive: true });
  else if (name === "COPY") {
    const [, source = "", target = ""] = /^--from=build (\S+) (\S+)$/.exec(text) ?? [];
    cpSync(join(build, source), join(root, target), { recursive: true, verbatimSymlinks: true });
  } else if (!["FROM", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"].includes(name)) {
    throw new Error(`server: ${name} ${text}`);
  }
}

/** Paths under the program's folder that are there. */
export function has(image: Image, path: string): boolean {
  return existsSync(join(image.root, "opt/qpq-server", path));
}

export function versionIn(file: string): string {
  return (JSON.parse(readFileSync(repository + file, "utf8")) as { version: string }).version;
}
