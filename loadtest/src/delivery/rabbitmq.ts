/** One RabbitMQ node, with the port mapper of its own that every Erlang node needs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureAptPackages } from "../../../scripts/apt.ts";
import { certificateFiles } from "quicproquo-server/testing";
import { freePort } from "quicproquo-server/testing/free-port";
import { Program } from "./program.ts";

/** Debian's script in /usr/sbin changes the user and the folder. */
const server = "/usr/lib/rabbitmq/bin/rabbitmq-server";

export function ensureRabbit(): void {
  ensureAptPackages(["rabbitmq-server"]);
}

export type Rabbit = AsyncDisposable & { readonly port: number; readonly program: Program };

export async function startRabbit({ tls = false }: { readonly tls?: boolean } = {}): Promise<Rabbit> {
  const [port, distributionPort, mapperPort] = [await freePort(), await freePort(), await freePort()];
  await using started = new AsyncDisposableStack();
  started.use(
    await Program.start({
      name: "epmd",
      command: () => ["epmd", "-port", String(mapperPort), "-address", "127.0.0.1", "-d", "-d"],
      ready: /entering the main select/,
    }),
  );
  const program = started.use(
    await Program.start({
      name: "rabbitmq",
      tls,
      command: () => [server],
      env: (folder) => ({
        // it takes the script's place instead of running below it, so that one process is one to end
        RUNNING_UNDER_SYSTEMD: "1",
        ERL_EPMD_PORT: String(mapperPort),
        // its idle schedulers would spin in the others' windows
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+sbwt none +sbwtdcpu none +sbwtdio none",
        RABBITMQ_NODENAME: `qpq-bench-${port}@localhost`,
        ...(!tls && { RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1", RABBITMQ_NODE_PORT: String(port) }),
        RABBITMQ_DIST_PORT: String(distributionPort),
        RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
        RABBITMQ_LOG_BASE: join(folder, "log"),
        RABBITMQ_LOGS: "-",
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
        RABBITMQ_CONFIG_FILE: tls ? writeTlsSettings(folder, port) : join(folder, "none"),
        RABBITMQ_CONF_ENV_FILE: join(folder, "none"),
      }),
      ready: /completed with \d+ plugins/,
    }),
  );
  const owned = started.move();
  return { port, program, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Takes TLS connections only. Answers the file. */
function writeTlsSettings(folder: string, port: number): string {
  const file = join(folder, "rabbitmq.conf");
  const lines = [
    "listeners.tcp = none",
    `listeners.ssl.1 = 127.0.0.1:${port}`,
    `ssl_options.certfile = ${join(folder, certificateFiles.certificate)}`,
    `ssl_options.keyfile = ${join(folder, certificateFiles.key)}`,
    "ssl_options.verify = verify_none",
    "ssl_options.versions.1 = tlsv1.3",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}
