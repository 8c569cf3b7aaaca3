/** qpq-server: the command, its arguments, the exit code. Nothing else. */
import { readFileSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import { migrate } from "./commands/migrate.ts";
import { takeOwnOptions } from "./commands/own-options.ts";
import type { OwnCommand, Program } from "./commands/program.ts";
import { promote } from "./commands/promote.ts";
import { serve } from "./commands/serve.ts";
import { loadConfig, type ServerConfig } from "./config.ts";
import { describeConfig } from "./settings.ts";

type Command = (config: ServerConfig, program: Program) => Promise<void>;

/** Of those that a program starts with rarely: what they need is loaded when they are asked for. */
const commands: ReadonlyMap<string, () => Promise<Command | OwnCommand>> = new Map<
  string,
  () => Promise<Command | OwnCommand>
>([
  ["migrate", async () => migrate],
  ["promote", async () => promote],
  ["backup", async () => (await import("./commands/backup.ts")).backup],
  ["restore", async () => (await import("./commands/backup.ts")).restore],
  ["probe", async () => (await import("./commands/probe.ts")).probe],
  ["doctor", async () => (await import("./commands/doctor.ts")).doctor],
  ["top", async () => (await import("./commands/top.ts")).top],
  ["plan", async () => (await import("./commands/plan.ts")).plan],
  ["config", async () => (await import("./commands/config.ts")).config],
  ["secrets", async () => (await import("./commands/secrets.ts")).secrets],
  ["users", async () => (await import("./commands/users.ts")).users],
]);

const help = `qpq-server: a delivery service for end-to-end encrypted messages

  qpq-server                          embedded store in ./data, UDP port 7000, certificate and token made at first start
  qpq-server --data-dir /srv/qpq      another folder
  qpq-server --port 0 --ops-port 0    any free ports (printed)
  qpq-server --store cluster          on the Postgres of QPQ_DATABASE_URL, and the Redis of QPQ_REDIS_URL
  qpq-server migrate                  makes and updates the tables of that Postgres
  qpq-server promote                  after a failover of it that may have lost messages: tells every reader
  qpq-server backup FOLDER            of the embedded store, also while it serves; qpq-server restore FOLDER puts it back
  qpq-server doctor                   looks at all that a server needs; of what is not well it says the next command
  qpq-server probe [HOST:PORT]        one QUIC round trip, for health checks; --pin sha256:..., --timeout-ms N, --json
  qpq-server top                      what a running server does, from its /metrics; --once, --interval S, --json
  qpq-server plan --users N           what machines that needs, from measured costs; --cores, --payload-bytes, --json
  qpq-server config print             which settings apply, and where each came from; also config check, config schema
  qpq-server secrets opaque-setup     prints what all servers of a cluster need for logins (QPQ_OPAQUE_SETUP_FILE)
  qpq-server users list               who has an account, 100 at a time; --after NAME, --limit N, --json
  qpq-server users disable NAME       nobody logs in as NAME, who is logged in is logged out; "enable" lets them again
  qpq-server users revoke NAME        logs NAME out everywhere
  qpq-server users delete NAME        removes the account and all that is theirs, for ever

Settings: file qpq-server.toml (or --config FILE) < environment < flag. Secrets are never flags; each may come from a
file that its variable with _FILE behind it names.
  flag                            variable                            default     meaning
${describeConfig()}

Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 not allowed, 5 timed out.
`;

async function main(args: readonly string[], program: Program): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return program.print(help);
  if (args.includes("--version")) return program.print(`qpq-server ${program.version}\n`);
  const flagsAt = args.findIndex((arg) => arg.startsWith("-"));
  const [name = "", ...words] = args.slice(0, flagsAt < 0 ? args.length : flagsAt);
  const command = await commands.get(name)?.();
  if (command === undefined) return await serve({ args, env: program.env }, program);
  const flags = args.slice(1 + words.length);
  if (typeof command === "function") {
    return await command(loadConfig({ args: flags, env: program.env }), { ...program, words });
  }
  const { options, rest } = takeOwnOptions(flags, command.options);
  await command.run({ ...program, words, options, sources: { args: rest, env: program.env } });
}

function describe(error: unknown): string {
  if (!(error instanceof QpqError)) return String((error as Error).stack ?? error);
  // of a server that cannot be reached the driver's word; it quotes no secret
  const cause = error.kind === "unavailable" && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.code} ${error.text}${cause}`;
}

/** As those of qpq: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 not allowed, 5 timed out. */
const exitCodes: ReadonlyMap<string, number> = new Map([
  ["E048_USAGE", 2],
  ["E040_CONNECT_FAILED", 3],
  ["E042_CONNECTION_LOST", 3],
  ["E041_CERTIFICATE", 4],
  ["E028_DEADLINE", 5],
]);

function exitCodeOf(error: unknown): number {
  return (error instanceof QpqError && exitCodes.get(error.code)) || 1;
}

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const print = (text: string): void => void process.stdout.write(text);
main(process.argv.slice(2), { version, words: [], print, env: process.env }).catch((error: unknown) => {
  process.stderr.write(`qpq-server: ${describe(error)}\n`);
  process.exitCode = exitCodeOf(error);
});
