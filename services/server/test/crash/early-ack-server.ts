/** qpq-server with a planted fault: it acknowledges an enqueue before it is stored. For the trial that must find it. */
import { loadOrCreateCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { openConfiguredStore } from "../../src/configured-store.ts";
import { createLog } from "../../src/observe/log.ts";
import { loadOrCreateSecret } from "../../src/secret-file.ts";
import { startServer } from "../../src/server.ts";
import { ackBeforeCommit } from "./planted-faults.ts";

const config = loadConfig({ args: process.argv.slice(2), env: {} });
const server = await startServer({
  config,
  token: loadOrCreateSecret(config.dataDir, "auth-token").text,
  transportSecret: loadOrCreateSecret(config.dataDir, "transport-secret").text,
  certificate: await loadOrCreateCertificate(config.dataDir, config.serverName),
  log: createLog("warn"),
  clock: Date.now,
  async openStore(...args) {
    const store = await openConfiguredStore(...args);
    const { log } = store;
    return {
      ...store,
      health: () => store.health(),
      close: () => store.close(),
      log: {
        append: ackBeforeCommit((entry) => log.append(entry)),
        appendAll: (entries) => log.appendAll(entries),
        commitGroup: (commit) => log.commitGroup(commit),
        read: (query) => log.read(query),
        ack: (inbox, upTo, storeEpoch) => log.ack(inbox, upTo, storeEpoch),
        sweep: (rowsMax) => log.sweep(rowsMax),
      },
    };
  },
});
process.stdout.write(
  `listens on ${server.host} port ${server.port}\nmetrics http://127.0.0.1:${server.opsPort}/metrics\n`,
);
