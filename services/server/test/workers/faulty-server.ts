/** qpq-server with processes that can be told to fail: faulty-worker.ts, faulty-store.ts. The product has no such way in. */
import { loadOrCreateCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { createLog } from "../../src/observe/log.ts";
import { startSupervisor } from "../../src/processes/supervisor.ts";
import { loadOrCreateSecret } from "../../src/secret-file.ts";

const config = loadConfig({ args: process.argv.slice(2), env: {} });
const server = await startSupervisor({
  config,
  token: loadOrCreateSecret(config.dataDir, "auth-token").text,
  transportSecret: loadOrCreateSecret(config.dataDir, "transport-secret").text,
  certificate: await loadOrCreateCertificate(config.dataDir, config.serverName),
  log: createLog(config.logLevel),
  clock: Date.now,
  programs: {
    store: new URL("./faulty-store.ts", import.meta.url),
    worker: new URL("./faulty-worker.ts", import.meta.url),
  },
});
process.on("SIGTERM", () => void server.close());
process.stdout.write(
  `listens on ${server.host} port ${server.port}\nmetrics http://127.0.0.1:${server.opsPort}/metrics\n`,
);
