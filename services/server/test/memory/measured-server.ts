/** A server of one process that tells its parent what memory it holds once the collector has run (--expose-gc). */
import { loadOrCreateCertificate } from "../../src/certificate.ts";
import { loadConfig } from "../../src/config.ts";
import { createLog } from "../../src/observe/log.ts";
import { loadSecrets } from "../../src/secrets.ts";
import { startServer } from "../../src/server.ts";
import type { Told } from "./measured.ts";

const config = loadConfig({ args: process.argv.slice(2), env: {} });
const certificate = await loadOrCreateCertificate(config);
const secrets = await loadSecrets(config);
const server = await startServer({
  config,
  secrets,
  certificate,
  log: createLog("warn"),
  clock: Date.now,
});
const tell = (told: Told): boolean | undefined => process.send?.(told);

process.on("message", async () => {
  // twice: what finalizers let go of is free after the second one
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  tell({ bytes: heapUsed + external });
});
process.on("disconnect", () => void server.close().then(() => process.exit()));
tell({
  port: server.port,
  opsPort: server.opsPort,
  token: secrets.token as string,
  certificate: Buffer.from(certificate.leaf).toString("base64"),
});
