/** qpq-server: arguments, words at start, signals, exit code. Nothing else. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import { loadOrCreateCertificate } from "./certificate.ts";
import { loadConfig, type ServerConfig } from "./config.ts";
import { createLog } from "./observe/log.ts";
import { startSupervisor } from "./processes/supervisor.ts";
import { loadOrCreateSecret, type SecretFile } from "./secret-file.ts";
import { type RunningServer, startServer } from "./server.ts";
import { describeConfig } from "./settings.ts";

const help = `qpq-server: a delivery service for end-to-end encrypted messages

  qpq-server                          embedded store in ./data, UDP port 7000, certificate and token made at first start
  qpq-server --data-dir /srv/qpq      another folder
  qpq-server --port 0 --ops-port 0    any free ports (printed)

Settings: file qpq-server.toml (or --config FILE) < environment < flag. Secrets are never flags.
  flag                            variable                            default     meaning
${describeConfig()}
`;

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return print(help);
  if (args.includes("--version")) return print(`qpq-server ${version()}\n`);
  const config = loadConfig({ args, env: process.env });
  const log = createLog(config.logLevel);
  const certificate = await loadOrCreateCertificate(config.dataDir, config.serverName);
  const token = config.authToken === undefined ? loadOrCreateSecret(config.dataDir, "auth-token") : undefined;
  const isSupervisor = config.processes.workers > 1;
  // inherited by the other processes: one that is replaced starts with a third of the CPU time
  if (isSupervisor) process.env["NODE_COMPILE_CACHE"] ??= join(config.dataDir, "run", "compiled");
  const start = isSupervisor ? startSupervisor : startServer;
  const server = await start({
    config,
    token: config.authToken ?? (token as SecretFile).text,
    transportSecret: loadOrCreateSecret(config.dataDir, "transport-secret").text,
    certificate,
    log,
    clock: Date.now,
  });
  // before the words: who reads them may send a signal at once
  stopOnSignals(server, { config, log });
  const secret = token === undefined ? undefined : describeToken(token);
  const dial = server.host === "::" || server.host === "0.0.0.0" ? "127.0.0.1" : server.host;
  const client = `qpq --server ${dial}:${server.port} --ca-cert ${certificate.file}`;
  print(`qpq-server ${version()} listens on ${server.host} port ${server.port} (QUIC, ALPN capnp)
certificate   ${certificate.file}${certificate.created ? " (made now)" : ""}, sha256 ${certificate.fingerprint}
pin           ${certificate.pin}
token         ${secret ?? "from QPQ_AUTH_TOKEN"}; its holder may act for every identity
store         ${config.dataDir}/qpq.db (embedded)
metrics       http://${config.opsHost}:${server.opsPort}/metrics
next          ${client} health
              ${token === undefined ? "" : `QPQ_AUTH_TOKEN_FILE=${token.file} `}${client} register-state
`);
  log.info({ event: "started", port: server.port, opsPort: server.opsPort });
}

/** The token itself is shown once, to a person: standard output that isn't a terminal may be kept in a log. */
function describeToken({ text, file, created }: SecretFile): string {
  if (!created) return `in ${file}`;
  return process.stdout.isTTY ? `${text} (made now, kept in ${file})` : `in ${file} (made now)`;
}

function stopOnSignals(
  server: RunningServer,
  { config, log }: { config: ServerConfig; log: ReturnType<typeof createLog> },
): void {
  let stopping = false;
  const stop = (signal: string): void => {
    // second signal: the operator means it
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ event: "stopping", signal, ms: config.drainMs });
    server.close().then(
      () => {
        log.info({ event: "stopped" });
        log.flush();
      },
      (error: unknown) => {
        log.error({ event: "stop_failed", error });
        log.flush();
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}

function print(text: string): void {
  process.stdout.write(text);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const told = error instanceof QpqError ? `${error.code} ${error.text}` : String((error as Error).stack ?? error);
  process.stderr.write(`qpq-server: ${told}\n`);
  process.exitCode = error instanceof QpqError && error.code === "E048_USAGE" ? 2 : 1;
});
