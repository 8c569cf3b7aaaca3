/** Installs the Debian packages that tests need and that are not there yet. Nothing is skipped when that fails: it throws. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";

export function ensureAptPackages(names: readonly string[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  process.stderr.write(`installing Debian packages: ${missing.join(" ")} ...\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "--no-install-recommends", ...missing],
  ]) {
    const apt = spawnSync("apt-get", args, { env: environment, encoding: "utf8" });
    if (apt.status !== 0) {
      throw new Error(`apt-get ${args[0]} failed (root and Debian are needed): ${apt.error?.message ?? apt.stderr}`);
    }
  }
}

/** Postgres 15, without the server that the package would set up and start: tests start their own. */
export function ensurePostgres(): void {
  const folder = "/etc/postgresql-common";
  if (!isInstalled("postgresql-common") && !existsSync(`${folder}/createcluster.conf`)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/createcluster.conf`, "create_main_cluster = false\n");
  }
  ensureAptPackages(["postgresql-15"]);
}

/** Redis 7, of which tests start servers of their own. */
export function ensureRedis(): void {
  ensureAptPackages(["redis-server", "redis-tools"]);
}

function isInstalled(name: string): boolean {
  const query = spawnSync("dpkg-query", ["-W", "-f", "${db:Status-Status}", name], { encoding: "utf8" });
  return query.status === 0 && query.stdout === "installed";
}
