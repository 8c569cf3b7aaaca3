/** `qpq-server`: starts the server, says where it is and what it is made of, and stops it on a signal. */
import { join } from "node:path";
import { type Certificate, loadCertificate, loadOrCreateCertificate } from "../certificate.ts";
import { type ConfigSources, readConfig, type ServerConfig } from "../config.ts";
import type { LiveSettings } from "../live-settings.ts";
import { AuditLog } from "../observe/audit.ts";
import { createLog, type Log } from "../observe/log.ts";
import { CertificateWatch, daysLeft } from "../ops/certificate-watch.ts";
import { SettingsWatch } from "../ops/settings-watch.ts";
import { startSupervisor } from "../processes/supervisor.ts";
import { requireFitForProduction } from "../production.ts";
import type { SecretFile } from "../secret-file.ts";
import { loadSecrets } from "../secrets.ts";
import { type RunningServer, startServer } from "../server.ts";
import type { Program } from "./program.ts";
import { describeStore } from "./store-words.ts";

/** Resolves when it serves. */
export async function serve(sources: ConfigSources, { version, print, env }: Program): Promise<void> {
  const read = () => readConfig(sources);
  const { config, inForce } = read();
  if (config.production) requireFitForProduction(config);
  const log = createLog(config.logLevel);
  const certificate = await loadOrCreateCertificate(config);
  const { tokenFile: token, ...secrets } = await loadSecrets(config);
  const isSupervisor = config.processes.workers > 1;
  // inherited by the other processes: one that is replaced starts with a third of the CPU time
  if (isSupervisor) env["NODE_COMPILE_CACHE"] ??= join(config.dataDir, "run", "compiled");
  const start = isSupervisor ? startSupervisor : startServer;
  const audit = new AuditLog(config, log);
  const starting = start({ config, secrets, certificate, log, clock: Date.now });
  const watch = new CertificateWatch({
    certificate,
    load: () => loadCertificate(config),
    show: async (next) => await (await starting).setCertificate(next),
    log,
    audit,
    clock: Date.now,
  });
  // from here on: else one that comes while it starts ends it
  const apply = async (next: LiveSettings): Promise<void> => {
    await (await starting).applySettings(next);
    log.setLevel(next.logLevel);
  };
  const settings = new SettingsWatch({ inForce, read, apply, log, audit });
  process.on("SIGHUP", () => void Promise.all([watch.reload(), settings.reload()]));
  const server = await starting;
  // before the words: who reads them may send a signal at once
  stopOnSignals(server, { config, log, audit });
  // that all workers should be gone again is not for the words to tell
  const storeParts = await server.parts().catch(() => ({}));
  const dial = server.host === "::" || server.host === "0.0.0.0" ? "127.0.0.1" : server.host;
  const client = `qpq --server ${dial}:${server.port} --ca-cert ${certificate.file}`;
  const pages = `http://${config.opsHost}:${server.opsPort}`;
  print(`qpq-server ${version} listens on ${server.host} port ${server.port} (QUIC, ALPN capnp)
websocket     ${server.websocketPort === undefined ? "off" : `port ${server.websocketPort} (TCP, TLS)`}
certificate   ${certificate.file}${certificate.created ? " (made now)" : ""}, sha256 ${certificate.fingerprint}
pin           ${certificate.pin}
valid until   ${describeLife(certificate)}
token         ${secrets.token === undefined ? "none: people log in" : `${describeToken(token)}; its holder may act for every identity`}
${config.allowUnprovenIdentity ? "identities    need no proof (allowUnprovenIdentity): a name takes anybody's\n" : ""}store         ${describeStore(config, storeParts)}
metrics       ${config.metrics === "on" ? `${pages}/metrics` : `off; ${pages}/readyz`}
next          ${client} health
${secrets.token === undefined ? "" : `              ${token === undefined ? "" : `QPQ_AUTH_TOKEN_FILE=${token.file} `}${client} register-state\n`}`);
  audit.write({ event: "server_started", uid: process.getuid?.() });
  log.info({ event: "started", port: server.port, opsPort: server.opsPort });
}

/** The token itself is shown once, to a person: standard output that isn't a terminal may be kept in a log. */
function describeToken(token: SecretFile | undefined): string {
  if (token === undefined) return "from QPQ_AUTH_TOKEN";
  const { text, file, created } = token;
  if (!created) return `in ${file}`;
  return process.stdout.isTTY ? `${text} (made now, kept in ${file})` : `in ${file} (made now)`;
}

function describeLife(certificate: Certificate): string {
  const date = new Date(certificate.expiresAtMs).toISOString().slice(0, 10);
  const days = daysLeft(certificate, Date.now());
  return days === undefined ? date : `${date}, in ${days} days: replace it and its key, then send SIGHUP`;
}

function stopOnSignals(
  server: RunningServer,
  { config, log, audit }: { config: ServerConfig; log: Log; audit: AuditLog },
): void {
  let stopping = false;
  const stop = (signal: string): void => {
    // second signal: the operator means it
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ event: "stopping", signal, ms: config.drainMs });
    audit.write({ event: "server_stopping", signal });
    server.close().then(
      () => {
        log.info({ event: "stopped" });
        audit[Symbol.dispose]();
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
