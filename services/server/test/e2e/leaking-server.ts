/**
 * qpq-server that gives something away, for the tests that must notice it: PLANTED_LEAK names how. The leak is made around
 * the store; what is shipped is run as it is.
 */
import { QpqError } from "quicproquo-proto";
import { loadOrCreateCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { openConfiguredStore } from "../../src/configured-store.ts";
import { createLog } from "../../src/observe/log.ts";
import { loadSecrets } from "../../src/secrets.ts";
import { startServer } from "../../src/server.ts";
import type { MessageLog, Store } from "../../src/store/port.ts";

const leakMs = 0.3;
const config = loadConfig({ args: process.argv.slice(2), env: process.env });
const log = createLog(config.logLevel);

const leaks: Readonly<Record<string, (store: Store) => Store>> = {
  /** A name that somebody has takes 0.3 ms longer. */
  time: (store) => {
    const accountOf = async (username: string) => {
      const account = await store.accounts.accountOf(username);
      const endMs = performance.now() + leakMs;
      while (account !== undefined && performance.now() < endMs);
      return account;
    };
    return changed(store, { accounts: changed(store.accounts, { accountOf }) });
  },
  /** A line of the log for each message, with the beginning of what was in it. */
  log: (store) => {
    const append: MessageLog["append"] = async (entry) => {
      log.info({ event: "appended", reference: Buffer.from(entry.payload.subarray(0, 9)).toString("base64") });
      return await store.log.append(entry);
    };
    return changed(store, { log: changed(store.log, { append }) });
  },
  /** An error that quotes what it is about. */
  error: (store) => {
    const append: MessageLog["append"] = async ({ payload }) => {
      throw new QpqError("E010_PAYLOAD_EMPTY", { text: `cannot store ${Buffer.from(payload).toString("hex")}` });
    };
    return changed(store, { log: changed(store.log, { append }) });
  },
};

function changed<T extends object>(whole: T, parts: Partial<T>): T {
  return Object.assign(Object.create(whole), parts);
}

const leak = leaks[process.env["PLANTED_LEAK"] ?? ""];
if (leak === undefined) throw new Error("there is no such leak");

const server = await startServer({
  config,
  secrets: await loadSecrets(config),
  certificate: await loadOrCreateCertificate(config),
  log,
  clock: Date.now,
  openStore: async (...args) => leak(await openConfiguredStore(...args)),
});
process.stdout.write(
  `listens on ${server.host} port ${server.port}\nmetrics http://127.0.0.1:${server.opsPort}/metrics\n`,
);
