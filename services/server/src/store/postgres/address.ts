/**
 * Where the database is: `postgres://USER@HOST[:PORT][,HOST[:PORT]...]/DATABASE[?sslmode=...&sslrootcert=FILE]`, as libpq
 * reads it (its manual, "Connection URIs"). Several hosts are a primary and its standbys: who takes writes is looked for
 * at each connect (target_session_attrs=read-write, which is the default and the only choice). A host that begins with
 * `/` (written %2F) is the folder of a Unix socket.
 *
 * There is no place for a password in it: a URL ends up in arguments, logs and process lists.
 */
import { type HostPort, serviceUrl } from "../service-url.ts";

export type DatabaseHost = HostPort;

/** `require` encrypts and trusts whoever answers; `verify-ca` trusts any name under the root certificate. */
type TlsMode = "disable" | "require" | "verify-ca" | "verify-full";

export type DatabaseAddress = {
  readonly hosts: readonly DatabaseHost[];
  readonly user: string;
  readonly database: string;
  readonly tlsMode: TlsMode;
  /** PEM; undefined: the system's. */
  readonly rootCertificateFile: string | undefined;
};

const { refused, parseHost, decode } = serviceUrl("database", 5_432);
const hostsMax = 16;
const tlsModes: readonly TlsMode[] = ["disable", "require", "verify-ca", "verify-full"];
const writableWords = ["read-write", "primary"];

/** E046_CONFIG. Without sslmode: `verify-full`, or `disable` when every host is this machine. */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const parts = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^@/?]+)\/([^/?]+)(?:\?(.*))?$/.exec(url);
  if (parts === null) throw refused("must look like postgres://USER@HOST:PORT/DATABASE");
  const [, user = "", hostList = "", database = "", query = ""] = parts;
  if (user.includes(":")) throw refused("must not hold a password: give it in a variable or a file of its own");
  if (user === "") throw refused("names no user");
  const hosts = hostList.split(",").map(hostOf);
  if (hosts.length > hostsMax) throw refused(`names more than ${hostsMax} hosts`);
  const settings = new URLSearchParams(query);
  for (const name of settings.keys()) {
    if (!["sslmode", "sslrootcert", "target_session_attrs"].includes(name))
      throw refused(`has an unknown setting ${name}`);
  }
  if (!writableWords.includes(settings.get("target_session_attrs") ?? "read-write")) {
    throw refused("must have target_session_attrs=read-write, or nothing of it");
  }
  const tlsMode = settings.get("sslmode") ?? (hosts.every(isThisMachine) ? "disable" : "verify-full");
  if (!isTlsMode(tlsMode)) throw refused(`must have an sslmode of ${tlsModes.join(", ")}`);
  return {
    hosts,
    user: decode(user),
    database: decode(database),
    tlsMode,
    rootCertificateFile: settings.get("sslrootcert") ?? undefined,
  };
}

function hostOf(text: string): DatabaseHost {
  const { host, port } = parseHost(text);
  return { host: decode(host), port };
}

function isThisMachine({ host }: DatabaseHost): boolean {
  return host.startsWith("/") || host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function isTlsMode(word: string): word is TlsMode {
  return (tlsModes as readonly string[]).includes(word);
}
