/**
 * The compose file's services that are not ours, by Debian's programs: the words that start each as its image does, with the
 * arguments of the compose file.
 */
import { execFileSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "./compose-file.ts";

const postgresPrograms = "/usr/lib/postgresql/15/bin";
const asPostgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"];

export type DebianService = {
  readonly service: Service;
  /** Its own, empty, and readable by others. */
  readonly folder: string;
  readonly hostsFile: string;
};

export function debianCommand(name: string, options: DebianService): readonly string[] {
  if (name === "postgres") return postgresCommand(options);
  if (name === "redis") return redisCommand(options);
  if (name === "prometheus") return prometheusCommand(options);
  throw new Error(`Debian has no program for ${name}`);
}

function redisCommand({ service: { command }, folder }: DebianService): readonly string[] {
  // the image's default; Debian's talks to its own machine alone
  return [...(command ?? []), "--protected-mode", "no", "--dir", folder];
}

/** With what the image does at its first start. */
function postgresCommand({ service: { command, environment = {} }, folder }: DebianService): readonly string[] {
  const data = join(folder, "data");
  execFileSync("install", ["-d", "-o", "postgres", "-g", "postgres", "-m", "0700", data]);
  const { POSTGRES_USER = "", POSTGRES_DB = "", POSTGRES_PASSWORD = "", POSTGRES_INITDB_ARGS = "" } = environment;
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, POSTGRES_PASSWORD);
  const initdb = ["-D", data, "-N", "-U", POSTGRES_USER, `--pwfile=${passwordFile}`, POSTGRES_INITDB_ARGS];
  run([...asPostgres, join(postgresPrograms, "initdb"), ...initdb]);
  // in single-user mode, so that nothing has to be waited for
  run(
    [...asPostgres, join(postgresPrograms, "postgres"), "--single", "-D", data, "postgres"],
    `CREATE DATABASE ${POSTGRES_DB}\n`,
  );
  writeFileSync(join(data, "pg_hba.conf"), "host all all all scram-sha-256\n");
  const [, ...args] = command ?? [];
  const places = ["-c", "listen_addresses=*", "-c", `unix_socket_directories=${data}`];
  return [...asPostgres, join(postgresPrograms, "postgres"), "-D", data, ...places, ...args];
}

/** With the files that the compose file mounts under /etc/prometheus, in the folder instead. */
function prometheusCommand({
  service: { command, volumes = [] },
  folder,
  hostsFile,
}: DebianService): readonly string[] {
  const moved = (text: string): string =>
    text.replace("/etc/prometheus", folder).replace("=/prometheus", `=${folder}/data`);
  for (const { type, source, target } of volumes)
    if (type === "bind") cpSync(source, moved(target), { recursive: true });
  const hosts = `mount --bind '${hostsFile}' /etc/hosts && exec "$@"`;
  return ["unshare", "--mount", "sh", "-ec", hosts, "sh", "prometheus", ...(command ?? []).map(moved)];
}

function run([program = "", ...args]: readonly string[], input = ""): void {
  execFileSync(program, args, { input, cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
}
