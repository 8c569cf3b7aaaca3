/** The secrets of a server: given by the operator, or made at first start and kept in its data folder. */
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import type { ServerConfig } from "./config.ts";
import { createSecret, loadOrCreateSecret, loadSecret, type SecretFile } from "./secret-file.ts";

export type Secrets = {
  /** The static bearer token; undefined: there is none, and people log in. */
  readonly token: string | undefined;
  /** Keys of session tickets, Retry tokens and stateless resets are derived from it: the same on every start. */
  readonly transportSecret: string;
  /** OPAQUE's: with another one nobody can log in any more. */
  readonly opaqueSetup: string;
};

type SecretsConfig = Pick<ServerConfig, "dataDir" | "authToken" | "opaqueSetup" | "cluster" | "production">;

/** `tokenFile`: where the token is, unless it was given. E046_CONFIG. */
export async function loadSecrets(config: SecretsConfig): Promise<Secrets & { readonly tokenFile?: SecretFile }> {
  const { dataDir, authToken = "", production } = config;
  const tokenFile = authToken === "" && !production ? loadOrCreateSecret(dataDir, "auth-token") : undefined;
  return {
    token: authToken === "" ? tokenFile?.text : authToken,
    ...(tokenFile && { tokenFile }),
    transportSecret: loadOrCreateSecret(dataDir, "transport-secret").text,
    opaqueSetup: await opaqueSetupOf(config),
  };
}

const setupName = "opaque-setup";

/** Given, or of a start before. */
export function knownOpaqueSetup({ dataDir, opaqueSetup }: Pick<SecretsConfig, "dataDir" | "opaqueSetup">) {
  return opaqueSetup ?? loadSecret(dataDir, setupName)?.text;
}

/** One that each server of a cluster made for itself would let in those alone who have registered there. */
async function opaqueSetupOf(config: SecretsConfig): Promise<string> {
  const { dataDir, cluster } = config;
  const known = knownOpaqueSetup(config);
  if (known !== undefined) return known;
  if (cluster !== undefined) {
    const file = join(dataDir, setupName);
    throw new QpqError("E046_CONFIG", {
      text: `the servers of a cluster share an OPAQUE setup: run qpq-server secrets opaque-setup once, and give what it prints to each by QPQ_OPAQUE_SETUP_FILE, or as ${file} (mode 0600)`,
    });
  }
  // loaded only where it is needed: it compiles WebAssembly
  const { createOpaqueSetup } = await import("./accounts/opaque.ts");
  return createSecret(dataDir, setupName, createOpaqueSetup()).text;
}
