/**
 * The table of settings: one name is key of the file, flag (--kebab-case) and variable (QPQ_UPPER_CASE). config.ts reads
 * them.
 */
import { type LimitRow, limits } from "quicproquo-proto";
import { quicLimits } from "quicproquo-transport/quic";
import { websocketLimits } from "quicproquo-transport/websocket";
import { processLimits } from "./processes/process-limits.ts";

export type Setting = {
  readonly doc: string;
  readonly format: unknown;
  readonly default: unknown;
  readonly env: string;
  readonly nullable?: boolean;
  readonly sensitive?: boolean;
};

/** A limit of the WebSocket has its transport in its name: both transports have an idle time. */
const websocketRows = Object.entries(websocketLimits).map(([name, limit]): [string, LimitRow] => {
  return [websocketName(name), limit];
});
const limitRows: readonly (readonly [string, LimitRow])[] = [
  ...Object.entries(limits),
  ...Object.entries(quicLimits),
  ...websocketRows,
  ...Object.entries(processLimits),
];

export function websocketName(name: string): string {
  return `websocket${name[0]?.toUpperCase()}${name.slice(1)}`;
}

/** Flat on purpose: one name is key of the file, flag (--kebab-case) and variable (QPQ_UPPER_CASE). */
export function settings(): Record<string, Setting> {
  const rows: Record<string, Setting> = {
    store: row(
      "Where messages stand: sqlite = one file, no other service needed; cluster = Postgres, and Redis if there is one.",
      ["sqlite", "cluster"],
      "sqlite",
    ),
    messageLog: row(
      "Of store=sqlite: messages stand in a log of their own (folder messages), those of an older qpq.db are moved there at the start; off = in tables of qpq.db. A store that has a log keeps it.",
      ["on", "off"],
      "on",
    ),
    databaseUrl: secret("Of the cluster: postgres://USER@HOST:PORT[,HOST:PORT...]/DATABASE, without a password."),
    databasePassword: secret("Of the database's user. Empty = it is not asked for one."),
    redisUrl: secret(
      "Of the cluster: redis://USER:PASSWORD@HOST:PORT[,HOST:PORT...], rediss:// with TLS. Empty = without Redis.",
    ),
    redisMode: row(
      "What stands at redisUrl: single = one Redis, cluster = Redis Cluster.",
      ["single", "cluster"],
      "single",
    ),
    hotTail: row(
      "Of the cluster: what was stored a moment ago stands in Redis too, so that subscriptions need not ask Postgres.",
      ["on", "off"],
      "off",
    ),
    dataDir: row("Folder of qpq.db, the certificate and generated secrets.", String, "data"),
    host: row("Address to listen on (UDP). :: = all, IPv6 and IPv4.", String, "::"),
    port: row("UDP port; 0 = any free one.", "port", 7000),
    websocket: row("A WebSocket over TLS beside QUIC, for browsers and networks that block UDP.", ["on", "off"], "on"),
    websocketPort: row("TCP port of the WebSocket; 0 = the number of the UDP port.", "port", 0),
    allowedOrigins: row("Origins of pages that may connect, with commas between; programs always may.", String, ""),
    opsHost: row("Address of /livez, /readyz and /metrics (TCP).", String, "127.0.0.1"),
    opsPort: row("TCP port of /livez, /readyz and /metrics; 0 = any free one.", "port", 9090),
    serverName: row("Name in the generated certificate, which clients check.", String, "localhost"),
    tlsCert: row(
      "Certificate, DER or PEM (a chain: leaf first). Empty = server-cert.der in the data folder.",
      String,
      "",
    ),
    tlsKey: row("Its private key, PKCS #8 in DER or PEM. Empty = server-key.der in the data folder.", String, ""),
    logLevel: row("Least level of log lines.", ["debug", "info", "warn", "error", "silent"], "info"),
    metrics: row("What is counted for /metrics; off = nothing, and there is no such page.", ["on", "off"], "on"),
    otlpEndpoint: {
      ...row("Where traces are sent, OTLP over HTTP, without /v1/traces. Empty = none are made.", httpUrl, ""),
      env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    },
    otlpHeaders: {
      ...secret("What the collector wants to see: name=value,name=value, percent-encoded."),
      env: "OTEL_EXPORTER_OTLP_HEADERS",
    },
    traceSampleRatio: row(
      "Part of the calls and deliveries that is traced; who calls may decide for itself.",
      ratio,
      0.01,
    ),
    traceLinkDelivery: row(
      "1 = a delivery names the traces of what it delivers: who sees traces sees who writes to whom.",
      ["0", "1"],
      "0",
    ),
    serverId: row(
      "First 8 bytes of connection ids, in hex, for load balancers. Empty = made at first start.",
      formatOf({ type: "string", pattern: "^([0-9a-fA-F]{16})?$" }, (value) => {
        if (value !== "" && !/^[0-9a-f]{16}$/i.test(String(value))) throw new Error("must be 16 hex digits");
      }),
      "",
    ),
    drainMs: row("Longest time for a graceful stop, in ms.", "nat", 10_000),
    appendsInFlightMax: row("Messages accepted but not yet durable; beyond it E021_OVERLOADED.", "nat", 20_000),
    callsInFlightMax: row("Calls in flight in one RPC session.", "nat", 4_096),
    waitersMax: row("Parked fetchWait calls in all.", "nat", 100_000),
    subscriptionsMax: row("Open subscriptions in all.", "nat", 100_000),
    safetySweepMs: row(
      "Cluster: a waiting reader whose hint was lost is found within twice this, in ms.",
      rangeOf({ min: 100, max: 600_000 }),
      15_000,
    ),
    auditFile: row(
      "File that the audit log is appended to; it may be moved away at any time. Empty = among the log lines.",
      String,
      "",
    ),
    auditActsPerMinute: row(
      "Lines of the audit log, of one kind of act (a login, a registration) and process; the others are counted.",
      rangeOf({ min: 1, max: 1_000_000 }),
      6_000,
    ),
    auditRefusalsPerMinute: row(
      "The same for one kind of refusal (a failed login, a limit that was met).",
      rangeOf({ min: 1, max: 1_000_000 }),
      60,
    ),
    production: row("Refuses to start with what is for trying out. docs/security.md tells what.", trueOrFalse, "false"),
    singleTenant: row(
      "All who have the static token may act for everybody: for one person, or a team that trusts each other.",
      trueOrFalse,
      "false",
    ),
    allowUnprovenIdentity: row(
      "Binds a user name to an identity key that nobody has shown to be theirs; the password alone logs in. For tests.",
      trueOrFalse,
      "false",
    ),
    allowSealedSender: row(
      "Lets in who shows a recipient's delivery token, to send to it without saying who it is.",
      trueOrFalse,
      "false",
    ),
    opaqueSetup: secret("For logins; all servers of a cluster have the same. Empty = in the data folder."),
    authToken: secret("Static bearer token; its holder may act for every identity. Empty = generated."),
  };
  for (const [name, limit] of limitRows) rows[name] = row(limit.doc, rangeOf(limit), limit.default);
  for (const [name, setting] of Object.entries(rows))
    rows[name] = { ...setting, env: setting.env || `QPQ_${snake(name)}` };
  return rows;
}

/** A format of convict's that settings-schema.ts can tell of. */
type Format = ((value: unknown) => void) & { readonly schema: Readonly<Record<string, unknown>> };

function formatOf(schema: Format["schema"], check: (value: unknown) => void): Format {
  return Object.assign(check, { schema });
}

const httpUrl = formatOf({ type: "string", pattern: "^(https?://.+)?$" }, (value) => {
  const isOne = URL.canParse(String(value)) && /^https?:$/.test(new URL(String(value)).protocol);
  if (value !== "" && !isOne) throw new Error("must be http://HOST:PORT or https://HOST:PORT");
});

const ratio = formatOf({ type: "number", minimum: 0, maximum: 1 }, (value) => {
  if (!(Number(value) >= 0 && Number(value) <= 1)) throw new Error("must be a number from 0 to 1");
});

/**
 * The format of a switch, whose flag takes no value. Its default is text: convict makes a boolean of any text where that is
 * one, and of "no" it makes true.
 */
export function trueOrFalse(value: unknown): void {
  if (![true, false, "true", "false"].includes(value as string)) throw new Error("must be true or false");
}

function rangeOf({ min, max }: Pick<LimitRow, "min" | "max">): Format {
  return formatOf({ type: "integer", minimum: min, maximum: max }, (value) => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
      throw new Error(`must be a whole number from ${min} to ${max}`);
    }
  });
}

function row(doc: string, format: unknown, defaultValue: unknown): Setting {
  return { doc, format, default: defaultValue, env: "" };
}

function secret(doc: string): Setting {
  return { ...row(doc, String, ""), sensitive: true };
}

/** `payloadBytesMax` -> `PAYLOAD_BYTES_MAX` */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The settings for `--help`: flag, variable, default, meaning. */
export function describeConfig(): string {
  const lines = Object.entries(settings()).map(([name, setting]) => {
    const flag = setting.sensitive === true ? "" : `--${kebab(name)}`;
    return `  ${flag.padEnd(32)}${setting.env.padEnd(36)}${String(setting.default).padEnd(12)}${setting.doc}`;
  });
  return lines.join("\n");
}
