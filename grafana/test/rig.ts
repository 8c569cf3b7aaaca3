/** A server on the cluster's store whose settings are variables and a certificate of its own: as runbooks find one. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { testOpaqueSetup } from "../../services/server/testing/opaque-setup.ts";
import { makeOwnedFolder, removeFolder } from "../../services/server/testing/owned-folder.ts";
import {
  type ServerProcess,
  type ServerProcessOptions,
  startServerProcess,
} from "../../services/server/testing/server-process.ts";
import { Desk } from "./runbook.ts";

export type Operated = AsyncDisposable & { readonly server: ServerProcess; readonly desk: Desk };

type OperatedOptions = Pick<ServerProcessOptions, "settings" | "program"> & {
  /** Default: the embedded store. */
  readonly cluster?: { readonly databaseUrl: string; readonly redisUrl: string };
  /** Until its certificate expires. */
  readonly certificateDays?: number;
};

export async function startOperated({
  cluster,
  certificateDays = 365,
  ...options
}: OperatedOptions): Promise<Operated> {
  const folder = makeOwnedFolder("qpq-certificate-");
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  const what = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=localhost -days ${certificateDays}`;
  const where = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate];
  execFileSync("openssl", [...what.split(" "), ...where], { stdio: "ignore" });
  const env = {
    QPQ_TLS_CERT: certificate,
    QPQ_TLS_KEY: key,
    QPQ_OPAQUE_SETUP: testOpaqueSetup,
    ...(cluster && { QPQ_STORE: "cluster", QPQ_DATABASE_URL: cluster.databaseUrl, QPQ_REDIS_URL: cluster.redisUrl }),
  };
  // flags too: a faulty server reads nothing else
  const server = await startServerProcess({
    ...options,
    env,
    settings: { "tls-cert": certificate, "tls-key": key, ...options.settings },
  });
  const desk = new Desk(server, env);
  return {
    server,
    desk,
    async [Symbol.asyncDispose]() {
      desk[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
      removeFolder(folder);
    },
  };
}
