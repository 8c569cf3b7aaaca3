/** A release takes every package and the chart to one version, by changesets themselves. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const program = fileURLToPath(new URL("release-version.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "qpq-release-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const { workspaces } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { workspaces: readonly string[] };
const packages = workspaces.flatMap((each) => globSync(`${each}/package.json`, { cwd: root }));
const files = ["package.json", "package-lock.json", ".npmrc", ".changeset", "helm/qpq-server/Chart.yaml", ...packages];
for (const file of files) cpSync(root + file, join(folder, file), { recursive: true });
symlinkSync(`${root}node_modules`, join(folder, "node_modules"));

function release(...args: readonly string[]) {
  // without what an npm that runs the tests says to the npm within
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return spawnSync(process.execPath, [program, ...args], { cwd: folder, env, encoding: "utf8" });
}

type Package = { readonly name: string; readonly version: string; readonly dependencies?: Record<string, string> };

function packageIn(file: string): Package {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as Package;
}

test("one note about one package gives all packages, what they need of each other, the lock file and the chart the next version", () => {
  const now = packageIn("services/server/package.json").version;
  assert.equal(release("--check", `v${now}`).stdout, `version=${now}\n`);

  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: folder });
  git("init", "-q", "-b", "main");
  git("-c", "user.name=test", "-c", "user.email=test@invalid", "commit", "-q", "--allow-empty", "-m", "Begin");
  const note = join(folder, ".changeset/a-note.md");
  writeFileSync(note, '---\n"quicproquo-server": minor\n---\n\nWhat changed for who runs a server.\n');
  const ran = release();
  assert.equal(ran.status, 0, ran.stderr);
  assert.ok(!existsSync(note));
  assert.match(
    readFileSync(join(folder, "services/server/CHANGELOG.md"), "utf8"),
    /What changed for who runs a server/,
  );

  const [major, minor] = now.split(".").map(Number);
  const next = `${major}.${Number(minor) + 1}.0`;
  assert.equal(release("--check", `v${next}`).stdout, `version=${next}\n`);
  const locked = (packageIn("package-lock.json") as unknown as { packages: Record<string, Package> }).packages;
  for (const file of packages) {
    const { name, dependencies = {} } = packageIn(file);
    for (const [other, version] of Object.entries(dependencies)) {
      if (other.startsWith("quicproquo-")) assert.equal(version, next, `${other} in ${file}`);
    }
    assert.equal(locked[file.replace("/package.json", "")]?.version, next, `${name} in the lock file`);
  }
});

test("a tag that is not the version of all is refused, with what differs", () => {
  const { status, stdout, stderr } = release("--check", "v99.0.0");
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.equal(stderr.trim().split("\n").length, packages.length + 2);
});
