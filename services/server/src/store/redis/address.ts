/**
 * Where Redis is: `redis://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][/DATABASE][?sslrootcert=FILE]`; `rediss://` is
 * TLS, its certificate verified against the system's roots or the file's. Several hosts are nodes of one Redis Cluster,
 * which has database 0 only.
 *
 * The URL may hold a password: it is a secret, and no error quotes any of it.
 */
import { QpqError } from "quicproquo-proto";

/** One Redis, or a Redis Cluster: of that any node tells where the others are. */
export type RedisMode = "single" | "cluster";

export type RedisHost = { readonly host: string; readonly port: number };

export type RedisAddress = {
  readonly hosts: readonly RedisHost[];
  readonly database: number;
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** PEM; undefined: the system's. */
  readonly rootCertificateFile: string | undefined;
};

const defaultPort = 6379;
const hostsMax = 64;

/** E046_CONFIG. */
export function parseRedisUrl(url: string, mode: RedisMode): RedisAddress {
  const parts = /^(rediss?):\/\/(?:([^@/?]*)@)?([^@/?]+)(?:\/(\d{0,4}))?(?:\?(.*))?$/.exec(url);
  if (parts === null) throw refused("must look like redis://HOST:PORT");
  const [, scheme, access = "", hostList = "", database = "", query = ""] = parts;
  const hosts = hostList.split(",").map(parseHost);
  if (mode === "single" && hosts.length > 1) throw refused("names several hosts, which only a Redis Cluster has");
  if (mode === "cluster" && Number(database) !== 0) throw refused("names a database, and a Redis Cluster has only 0");
  if (hosts.length > hostsMax) throw refused(`names more than ${hostsMax} hosts`);
  const settings = new URLSearchParams(query);
  for (const name of settings.keys()) if (name !== "sslrootcert") throw refused("has an unknown setting");
  const isTls = scheme === "rediss";
  const rootCertificateFile = settings.get("sslrootcert") ?? undefined;
  if (!isTls && rootCertificateFile !== undefined) throw refused("has an sslrootcert, which only rediss:// uses");
  const [user = "", ...password] = access.split(":");
  return {
    hosts,
    database: Number(database),
    isTls,
    user: decode(user) || undefined,
    password: decode(password.join(":")) || undefined,
    rootCertificateFile,
  };
}

function parseHost(text: string): RedisHost {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(parts?.[2] ?? defaultPort);
  if (parts === null || port < 1 || port > 65_535) throw refused("has a malformed host");
  return { host: (parts[1] as string).replace(/^\[|\]$/g, ""), port };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused("has a malformed % escape");
  }
}

function refused(what: string): QpqError {
  return new QpqError("E046_CONFIG", { text: `the Redis URL ${what}` });
}
