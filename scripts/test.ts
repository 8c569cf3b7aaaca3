/**
 * `npm test`: installs what the tests need, runs every *.test.ts of the workspace, ends with `N passed, N failed`.
 * `npm test -- PART ...` runs only the files whose path contains one of the parts.
 */
import { globSync } from "node:fs";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { ensureAptPackages, ensurePostgres, ensureRedis } from "./apt.ts";
import { ensureDeployTools } from "./deploy-tools.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const parts = process.argv.slice(2);
const files = globSync("{schemas,services/*,client/*,loadtest,grafana,helm,deploy,scripts}/**/*.test.ts", {
  cwd: root,
  exclude: (name) => name.includes("node_modules"),
})
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  process.stderr.write(`test: no test file matches ${parts.join(", ")}; run npm test without arguments for all\n`);
  process.exit(1);
}

// capnproto and libcapnp-dev: the reference implementation that our codecs and our RPC are compared with
ensureAptPackages(["capnproto", "libcapnp-dev", "g++"]);
// ngtcp2 with GnuTLS: the QUIC implementation that our listener is held against
ensureAptPackages(["gcc", "libngtcp2-dev", "libngtcp2-crypto-gnutls-dev", "libgnutls28-dev"]);
// test networks: links and addresses, faults, what a NAT remembers
ensureAptPackages(["iproute2", "nftables", "conntrack"]);
// commands that a server tells, and that pages of docs/ have
ensureAptPackages(["openssl", "curl"]);
// shells that qpq completion is for
if (files.some((file) => file.includes("completion"))) ensureAptPackages(["zsh", "fish"]);
// 350 MB: only for the tests that a browser runs
if (files.some((file) => file.includes("chromium"))) ensureAptPackages(["chromium"]);
if (files.some((file) => /postgres|cluster|redis|rolling|doctor|chaos|prometheus|server.test.e2e/.test(file)))
  ensurePostgres();
if (files.some((file) => /cluster|redis|rolling|doctor|chaos|prometheus|server.test.e2e/.test(file))) ensureRedis();
if (files.some((file) => file.includes("peers"))) {
  ensureRedis();
  // counts what a server brings to the disk before it acknowledges
  ensureAptPackages(["strace"]);
}
if (files.some((file) => /prometheus|traces/.test(file))) ensureAptPackages(["prometheus"]);
if (files.some((file) => file.startsWith("grafana/"))) {
  ensurePostgres();
  ensureRedis();
  // what the commands of runbooks are
  ensureAptPackages(["prometheus", "curl", "procps"]);
}
if (files.some((file) => file.startsWith("helm/"))) {
  ensurePostgres();
  ensureRedis();
  // helm comes in a zip, Kubernetes' schemas in a package of Python's
  ensureAptPackages(["unzip", "python3", "python3-pip"]);
}
if (files.some((file) => file.startsWith("deploy/"))) {
  ensurePostgres();
  ensureRedis();
  // promtool and a scrape; systemd-analyze, and what system calls a server makes under the unit; what actionlint asks
  ensureAptPackages(["prometheus", "systemd", "strace", "shellcheck"]);
  ensureDeployTools();
}

let passed = 0;
let failed = 0;
const startedAtMs = performance.now();
const stream = run({
  files: files.map((file) => root + file),
  cwd: root,
  // two files at a time: the reference machine has 2 cores, and crash tests need their own timing to mean something
  concurrency: 2,
  timeout: 10 * 60_000,
});
stream.on("test:pass", (event) => {
  if (event.details.type !== "suite") passed++;
});
stream.on("test:fail", (event) => {
  if (event.details.type !== "suite") failed++;
});
stream.compose(new spec()).pipe(process.stdout);
stream.on("end", () => {
  process.on("exit", () => {
    process.stdout.write(`${files.length} files in ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s\n`);
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  });
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
});
