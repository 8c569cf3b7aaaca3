/** qpq-server: the command, its arguments, the exit code. Nothing else. */
import { readFileSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import { migrate } from "./commands/migrate.ts";
import type { Program } from "./commands/program.ts";
import { promote } from "./commands/promote.ts";
import { serve } from "./commands/serve.ts";
import { loadConfig } from "./config.ts";
import { describeConfig } from "./settings.ts";

const commands = new Map([
  ["migrate", migrate],
  ["promote", promote],
]);

const help = `qpq-server: a delivery service for end-to-end encrypted messages

  qpq-server                          embedded store in ./data, UDP port 7000, certificate and token made at first start
  qpq-server --data-dir /srv/qpq      another folder
  qpq-server --port 0 --ops-port 0    any free ports (printed)
  qpq-server --store cluster          on the Postgres of QPQ_DATABASE_URL, and the Redis of QPQ_REDIS_URL
  qpq-server migrate                  makes and updates the tables of that Postgres
  qpq-server promote                  after a failover of it that may have lost messages: tells every reader

Settings: file qpq-server.toml (or --config FILE) < environment < flag. Secrets are never flags; each may come from a
file that its variable with _FILE behind it names.
  flag                            variable                            default     meaning
${describeConfig()}
`;

async function main(args: readonly string[], program: Program): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return program.print(help);
  if (args.includes("--version")) return program.print(`qpq-server ${program.version}\n`);
  const command = commands.get(args[0] ?? "");
  const config = loadConfig({ args: command === undefined ? args : args.slice(1), env: program.env });
  await (command ?? serve)(config, program);
}

function describe(error: unknown): string {
  if (!(error instanceof QpqError)) return String((error as Error).stack ?? error);
  // of a server that cannot be reached the driver's word; it quotes no secret
  const cause = error.kind === "unavailable" && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.code} ${error.text}${cause}`;
}

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const print = (text: string): void => void process.stdout.write(text);
main(process.argv.slice(2), { version, print, env: process.env }).catch((error: unknown) => {
  process.stderr.write(`qpq-server: ${describe(error)}\n`);
  process.exitCode = error instanceof QpqError && error.code === "E048_USAGE" ? 2 : 1;
});
