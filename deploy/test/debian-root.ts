/**
 * The files of Debian's slim image, taken from this machine's own packages: those that every Debian has (essential or of
 * priority "required", and apt), what they depend on, and what is asked for. So a library that an image lacks is missed.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const merged = ["bin", "sbin", "lib", "lib64"];
const folders = ["dev", "etc", "opt", "proc", "run", "tmp", "usr", "var/lib", "var/tmp"];
/** The slim image leaves these out. */
const isLeftOut = /^\/usr\/share\/(?:doc|man|info|locale|lintian|zoneinfo)\//;

/** Into an empty folder. Throws when a package that is asked for is not installed here. */
export function makeDebianRoot(root: string, packages: readonly string[]): void {
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of merged) {
    mkdirSync(join(root, "usr", folder), { recursive: true });
    symlinkSync(`usr/${folder}`, join(root, folder));
  }
  const files = execFileSync("dpkg", ["-L", ...closureOf(packages)], { encoding: "utf8", maxBuffer: 1 << 26 })
    .split("\n")
    .filter((path) => path.startsWith("/") && !isLeftOut.test(path) && isFile(path));
  const list = [...new Set(files)].map((path) => path.slice(1)).join("\0");
  const options = { input: list, maxBuffer: 1 << 30 };
  const archive = execFileSync("tar", ["-C", "/", "--no-recursion", "--null", "-cf", "-", "-T", "-"], options);
  execFileSync("tar", ["-C", root, "-xpf", "-"], { input: archive });
  // what the packages' own scripts make of them
  for (const name of ["passwd", "group"]) {
    copyFileSync(`/usr/share/base-passwd/${name}.master`, join(root, "etc", name));
  }
  writeFileSync(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
  writeFileSync(join(root, "etc/hosts"), "");
}

type Package = { readonly isBase: boolean; readonly depends: readonly (readonly string[])[] };

function closureOf(names: readonly string[]): readonly string[] {
  const installed = installedPackages();
  const missing = names.filter((name) => !installed.has(name));
  if (missing.length > 0) throw new Error(`not installed here: ${missing.join(", ")}`);
  const base = [...installed].filter(([, { isBase }]) => isBase).map(([name]) => name);
  const found = new Set<string>();
  const waiting = ["apt", ...base, ...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const choices of installed.get(name)?.depends ?? []) {
      // a virtual package, which has no files, is none of them
      const chosen = choices.find((choice) => installed.has(choice));
      if (chosen !== undefined) waiting.push(chosen);
    }
  }
  return [...found];
}

function installedPackages(): ReadonlyMap<string, Package> {
  const format = "${Package}\t${db:Status-Status}\t${Essential}\t${Priority}\t${Depends}\t${Pre-Depends}\n";
  const rows = execFileSync("dpkg-query", ["-W", "-f", format], { encoding: "utf8", maxBuffer: 1 << 26 }).split("\n");
  const packages = new Map<string, Package>();
  for (const row of rows) {
    const [name = "", status, essential, priority, depends = "", preDepends = ""] = row.split("\t");
    if (status !== "installed") continue;
    const lists = `${depends},${preDepends}`.split(",").map((choices) => choices.split("|").map(nameOf));
    packages.set(name, { isBase: essential === "yes" || priority === "required", depends: lists });
  }
  return packages;
}

/** `libc6:any (>= 2.36)` -> `libc6` */
function nameOf(dependency: string): string {
  return /^[a-z0-9.+-]+/.exec(dependency.trim())?.[0] ?? "";
}

function isFile(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isDirectory();
}
