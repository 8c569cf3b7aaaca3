/**
 * Where Redis is: `redis://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][/DATABASE][?sslrootcert=FILE]`; `rediss://` is
 * TLS, its certificate verified against the system's roots or the file's. Several hosts are nodes of one Redis Cluster,
 * which has database 0 only.
 *
 * The URL may hold a password: it is a secret, and no error quotes any of it.
 */
import { type HostPort, serviceUrl } from "../service-url.ts";

/** One Redis, or a Redis Cluster: of that any node tells where the others are. */
export type RedisMode = "single" | "cluster";

export type RedisHost = HostPort;

export type RedisAddress = {
  readonly hosts: readonly RedisHost[];
  readonly database: number;
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** PEM; undefined: the system's. */
  readonly rootCertificateFile: string | undefined;
};

const { refused, parseHost, decode } = serviceUrl("Redis", 6_379);
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
