/** What the URLs of Postgres and Redis have in common. They may hold a secret: no error quotes any of them. */
import { QpqError } from "quicproquo-proto";

export type HostPort = { readonly host: string; readonly port: number };

/** `name`: in errors, e.g. "Redis". */
export function serviceUrl(name: string, defaultPort: number) {
  const refused = (what: string): QpqError => new QpqError("E046_CONFIG", { text: `the ${name} URL ${what}` });
  return {
    refused,
    /** `HOST[:PORT]`, an IPv6 address in brackets; the host is not decoded. E046_CONFIG. */
    parseHost(text: string): HostPort {
      const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
      const port = Number(parts?.[2] ?? defaultPort);
      if (parts === null || port < 1 || port > 65_535) throw refused("has a malformed host");
      return { host: (parts[1] as string).replace(/^\[|\]$/g, ""), port };
    },
    /** E046_CONFIG. */
    decode(text: string): string {
      try {
        return decodeURIComponent(text);
      } catch {
        throw refused("has a malformed % escape");
      }
    },
  } as const;
}
