/** The secrets of a server: given by the operator, or made at first start and kept in its data folder. */
import { join } from "node:path";
import { QpqError } from "quicproquo-proto";
import type { ServerConfig } from "./config.ts";
import { createSecret, loadOrCreateSecret, loadSecret, type SecretFile } from "./secret-file.ts";

export type Secrets = {
  /** The static bearer token. */
  readonly token: string;
  /** Keys of session tickets, Retry tokens and stateless resets are derived from it: the same on every start. */
  readonly transportSecret: string;
  /** OPAQUE's: with another one nobody can log in any more. */
  readonly opaqueSetup: string;
};

type SecretsConfig = Pick<ServerConfig, "dataDir" | "authToken" | "opaqueSetup" | "cluster">;

/** `tokenFile`: where the token is, unless it was given. E046_CONFIG. */
export async function loadSecrets(config: SecretsConfig): Promise<Secrets & { readonly tokenFile?: SecretFile }> {
  const { dataDir, authToken } = config;
  const tokenFile = authToken === undefined ? loadOrCreateSecret(dataDir, "auth-token") : undefined;
  return {
    token: authToken ?? (tokenFile as SecretFile).text,
    ...(tokenFile && { tokenFile }),
    transportSecret: loadOrCreateSecret(dataDir, "transport-secret").text,
    opaqueSetup: await opaqueSetupOf(config),
  };
}

const setupName = "opaque-setup";

/** One that each server of a cluster made for itself would let in those alone who have registered there. */
async function opaqueSetupOf({ dataDir, opaqueSetup, cluster }: SecretsConfig): Promise<string> {
  const known = opaqueSetup ?? loadSecret(dataDir, setupName)?.text;
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
