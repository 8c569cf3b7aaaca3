/**
 * Looks at all that a server needs, one thing after the other, and changes nothing: beside a running server, or before
 * its first start. A look that fails is a finding, never the end of the others.
 */
import { QpqError } from "quicproquo-proto";
import type { ServerConfig } from "../../config.ts";
import { requireFitForProduction } from "../../production.ts";
import type { ProbeOptions } from "../probe.ts";
import { lookAtCertificate, lookAtDisk, lookAtModes, lookAtOpaqueSetup, lookAtStoreFile } from "./files.ts";
import { type Finding, failing, ok } from "./finding.ts";
import { lookAtBuffers, lookAtUdp } from "./network.ts";
import { lookAtDatabase, lookAtRedis } from "./services.ts";

/** `running`: how to reach the server of these settings, if it is up. */
export async function examine(config: ServerConfig, running: ProbeOptions | undefined): Promise<Finding[]> {
  const { cluster } = config;
  const looks: readonly (() => Finding[] | Promise<Finding[]>)[] = [
    () => lookAtProduction(config),
    () => lookAtCertificate(config, Date.now()),
    () => lookAtModes(config),
    () => lookAtOpaqueSetup(config),
    () => lookAtDisk(config),
    () => lookAtUdp(config, running),
    () => lookAtBuffers(config),
    ...(cluster === undefined
      ? [() => lookAtStoreFile(config)]
      : [() => lookAtDatabase(config, cluster), () => lookAtRedis(cluster)]),
  ];
  const findings: Finding[] = [];
  for (const look of looks) findings.push(...(await look()));
  return findings;
}

/** The settings themselves, which were refused. */
export function refusedSettings(error: QpqError): Finding {
  const text = `${error.code} ${error.text}`;
  return failing("settings", "D01_SETTINGS", { text, next: "qpq-server --help" });
}

function lookAtProduction(config: ServerConfig): Finding[] {
  if (!config.production)
    return [ok("settings", "a start takes them; --production would look for what is for trying out")];
  try {
    requireFitForProduction(config);
    return [ok("settings", "fit for production")];
  } catch (error) {
    if (!(error instanceof QpqError)) throw error;
    return [failing("settings", "D02_PRODUCTION", { text: error.text, next: "qpq-server config check" })];
  }
}
