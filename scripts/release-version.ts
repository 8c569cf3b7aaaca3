/**
 * The version of everything that is released together: packages and chart.
 *
 *     node scripts/release-version.ts                  the next one, by the notes in .changeset; the lock file too
 *     node scripts/release-version.ts --check vX.Y.Z   prints `version=X.Y.Z` if that is the version of all, else exits 1
 *
 * In the folder where it is started.
 */
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const chartFile = "helm/qpq-server/Chart.yaml";

const { values } = parseArgs({ options: { check: { type: "string" } } });
if (values.check === undefined) next();
else check(values.check);

function next(): void {
  execFileSync("node_modules/.bin/changeset", ["version"], { stdio: "inherit" });
  const version = versionIn("services/server/package.json");
  const chart = readFileSync(chartFile, "utf8").replaceAll(/^(version|appVersion): .*$/gm, `$1: ${version}`);
  writeFileSync(chartFile, chart);
  const lock = ["install", "--package-lock-only", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", lock, { stdio: "inherit" });
}

function check(tag: string): void {
  const { workspaces } = JSON.parse(readFileSync("package.json", "utf8")) as { workspaces: readonly string[] };
  const packages = workspaces.flatMap((folder) => globSync(`${folder}/package.json`));
  const versions = packages.map((file): [string, string] => [file, versionIn(file)]);
  for (const [, name = "", version = ""] of readFileSync(chartFile, "utf8").matchAll(
    /^(version|appVersion): (.*)$/gm,
  )) {
    versions.push([`${name} of ${chartFile}`, version]);
  }
  const wrong = versions.filter(([, version]) => tag !== `v${version}`);
  for (const [where, version] of wrong) process.stderr.write(`${where} is ${version}, and the tag is ${tag}\n`);
  if (wrong.length > 0) process.exitCode = 1;
  else process.stdout.write(`version=${tag.slice(1)}\n`);
}

function versionIn(file: string): string {
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
