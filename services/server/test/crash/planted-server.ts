/**
 * qpq-server with a planted fault, for the trials that must find it: PLANTED_FAULT names one. The fault is made around
 * the store's ports, or around the database's driver; what is shipped is run as it is.
 */
import { loadOrCreateCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { openConfiguredStore } from "../../src/configured-store.ts";
import { createLog } from "../../src/observe/log.ts";
import { loadSecrets } from "../../src/secrets.ts";
import { startServer } from "../../src/server.ts";
import type { Store } from "../../src/store/port.ts";
import { hearLate } from "./planted-bus.ts";
import { takeCancelledForDone } from "./planted-driver.ts";
import { ackBeforeCommit, ackInMemory, orderInMemory, over } from "./planted-faults.ts";
import { countSeqsInRedis } from "./planted-log.ts";

const planted: Readonly<Record<string, (store: Store) => Promise<Store> | Store>> = {
  "ack-before-commit": (store) => over(store, { append: ackBeforeCommit((entry) => store.log.append(entry)) }),
  "ack-in-memory": (store) => over(store, ackInMemory(store.log)),
  "order-in-memory": (store) => over(store, { commitGroup: orderInMemory(store.log) }),
  "seq-outside": async (store) => over(store, await countSeqsInRedis(process.env)),
  "look-before-arm": (store) => ({ ...over(store, {}), wakeups: hearLate(store.wakeups) }),
  "cancelled-is-done": (store) => store,
};

const name = process.env["PLANTED_FAULT"] ?? "";
const plant = planted[name];
if (plant === undefined) throw new Error(`there is no fault named ${name}`);
if (name === "cancelled-is-done") takeCancelledForDone();

const config = loadConfig({ args: process.argv.slice(2), env: process.env });
const server = await startServer({
  config,
  secrets: await loadSecrets(config),
  certificate: await loadOrCreateCertificate(config),
  log: createLog("warn"),
  clock: Date.now,
  openStore: async (...args) => await plant(await openConfiguredStore(...args)),
});
process.stdout.write(
  `listens on ${server.host} port ${server.port}\nmetrics http://127.0.0.1:${server.opsPort}/metrics\n`,
);
