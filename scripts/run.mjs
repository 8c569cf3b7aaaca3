/**
 * `node scripts/run.mjs PROGRAM.ts [arguments]`: makes node_modules match package-lock.json, then runs the program on the
 * pinned Node 26 that lies in it. So every npm script is one command on a fresh machine. Runs itself on any Node from
 * 20, hence no TypeScript. Installs nothing when the lock file is the one that was installed last.
 *
 * Not `node install && node program` in package.json: the shell remembers where it found `node` the first time.
 */
import { spawn, spawnSync } from "node:child_process";
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
  if (process.platform === "linux") provideLibatomic();
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
const pinned = `${root}node_modules/.bin/node${process.platform === "win32" ? ".cmd" : ""}`;
const hasPinned = existsSync(pinned);
if (!hasPinned && Number(process.versions.node.split(".")[0]) < 26) {
  fail("no pinned Node 26 for this platform: install Node 26 or later, then run the same command again");
}
const [program, ...args] = process.argv.slice(2);
const child = spawn(hasPinned ? pinned : process.execPath, [root + program, ...args], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
// the program decides what a signal means to it; this process only passes it on
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => undefined); // a terminal has sent it to both
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});

/** Node 26 is linked with it, the smallest Debian does not have it, and packages' own install scripts run on Node 26. */
function provideLibatomic() {
  const { stdout } = spawnSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" });
  if (!stdout || stdout.includes("libatomic.so.1")) return; // there, or a system that does not say
  process.stderr.write("installing libatomic1, which Node 26 needs ...\n");
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "libatomic1"]]) {
    const apt = spawnSync("apt-get", args, { env: environment, encoding: "utf8" });
    if (apt.status !== 0) fail("Node 26 needs libatomic.so.1: install it (Debian: apt-get install libatomic1)");
  }
}

function fail(text) {
  process.stderr.write(`run: ${text}\n`);
  process.exit(1);
}
