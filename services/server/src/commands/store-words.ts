/** The store in words for an operator, without secrets. */
import { QpqError } from "quicproquo-proto";
import type { ClusterConfig, ServerConfig } from "../config.ts";
import type { StoreParts } from "../observe/observer.ts";
import { parseDatabaseUrl } from "../store/index.ts";

export function describeStore({ cluster, dataDir }: ServerConfig, { postgres, redis }: StoreParts): string {
  if (cluster === undefined) return `${dataDir} (embedded)`;
  const database = `Postgres ${describeDatabase(cluster)}${postgres?.isUp === false ? " (not reachable yet)" : ""}`;
  if (cluster.redisUrl === undefined) return `${database}, no Redis`;
  return `${database}, Redis ${redis?.isUp === false ? "not reachable yet" : "up"}`;
}

/** `USER@HOST:PORT,HOST:PORT/DATABASE`; there is no place for a password in it. */
export function describeDatabase({ databaseUrl }: ClusterConfig): string {
  const { user, hosts, database } = parseDatabaseUrl(databaseUrl);
  return `${user}@${hosts.map(({ host, port }) => `${host}:${port}`).join(",")}/${database}`;
}

/** E046_CONFIG for the embedded store, of which `reason` says why the command is not for it. */
export function requireCluster({ cluster }: ServerConfig, reason: string): ClusterConfig {
  if (cluster !== undefined) return cluster;
  throw new QpqError("E046_CONFIG", {
    text: `this is for store=cluster: set QPQ_STORE=cluster and QPQ_DATABASE_URL; ${reason}`,
  });
}
