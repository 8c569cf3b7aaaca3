/** qpq-server with processes that can be told to fail: faulty-worker.ts, faulty-store.ts. The product has no such way in. */
import { loadOrCreateCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { createLog } from "../../src/observe/log.ts";
import { startSupervisor } from "../../src/processes/supervisor.ts";
import { loadSecrets } from "../../src/secrets.ts";

const config = loadConfig({ args: process.argv.slice(2), env: {} });
const server = await startSupervisor({
  config,
  secrets: await loadSecrets(config),
  certificate: await loadOrCreateCertificate(config),
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
