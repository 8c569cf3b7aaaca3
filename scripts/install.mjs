/**
 * Makes node_modules match package-lock.json, so that every npm script is one command on a fresh machine.
 * Runs on any Node from 20 (what is installed here brings the pinned Node 26 for the rest), so: no TypeScript.
 * Does nothing when the lock file is the one that was installed last.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = `${root}node_modules/.installed`;
const wanted = createHash("sha256")
  .update(readFileSync(`${root}package-lock.json`))
  .digest("hex");

if (process.platform === "linux" && process.arch !== "x64") {
  fail(
    `no build of the QUIC binding for linux-${process.arch}; use an x86-64 machine (docs: design/quic.md, point 16)`,
  );
}
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  process.stderr.write("installing the packages of package-lock.json ...\n");
  const startedAtMs = performance.now();
  // engine warnings would be about the Node that runs npm, not about the pinned one that runs everything else
  const npm = spawnSync("npm", ["ci", "--include=dev", "--include=optional", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2], // standard output stays the program's own
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) fail("npm ci failed; its messages stand above");
  writeFileSync(stamp, wanted);
  process.stderr.write(`installed in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s\n`);
}
const pinned = spawnSync(`${root}node_modules/.bin/node`, ["--version"], { encoding: "utf8" });
if (pinned.status !== 0 && Number(process.versions.node.split(".")[0]) < 26) {
  fail("no pinned Node 26 for this platform: install Node 26 or later, then run the same command again");
}

function fail(text) {
  process.stderr.write(`install: ${text}\n`);
  process.exit(1);
}
