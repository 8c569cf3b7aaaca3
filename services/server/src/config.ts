/**
 * The server's configuration: default < file qpq-server.toml < environment QPQ_* < flag. Parsed once, checked strictly
 * (an unknown key, flag or value is named in the error), frozen. The only file that reads process.env.
 *
 * A secret is never a flag: it comes from the environment, or from a file named by the same variable with _FILE behind
 * it (mounted secrets), and is printed as "[Sensitive]".
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import convict from "convict";
import { type LimitName, type LimitRow, limits, QpqError } from "quicproquo-proto";
import { type QuicLimits, quicLimits } from "quicproquo-transport/quic";
import { type WebSocketLimits, websocketLimits } from "quicproquo-transport/websocket";
import { parse as parseToml } from "smol-toml";
import { type ProcessLimits, processLimits } from "./processes/process-limits.ts";

export type ServerConfig = {
  readonly store: "sqlite";
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly opsHost: string;
  readonly opsPort: number;
  /** undefined = generated at first start and kept in dataDir/auth-token. */
  readonly authToken: string | undefined;
  readonly serverName: string;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
  readonly drainMs: number;
  readonly processes: ProcessLimits;
  /** 8 bytes; undefined = made from dataDir/transport-secret. */
  readonly serverId: Uint8Array | undefined;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly quic: QuicLimits;
  readonly websocket: "on" | "off";
  readonly websocketPort: number;
  /** Whose pages may connect, e.g. https://chat.example. */
  readonly allowedOrigins: readonly string[];
  readonly websocketLimits: WebSocketLimits;
  readonly appendsInFlightMax: number;
  readonly callsInFlightMax: number;
  readonly waitersMax: number;
  readonly subscriptionsMax: number;
};

type Setting = {
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

function websocketName(name: string): string {
  return `websocket${name[0]?.toUpperCase()}${name.slice(1)}`;
}

/** Flat on purpose: one name is key of the file, flag (--kebab-case) and variable (QPQ_UPPER_CASE). */
function settings(): Record<string, Setting> {
  const rows: Record<string, Setting> = {
    store: row("Where messages stand: sqlite = one file, no other service needed.", ["sqlite"], "sqlite"),
    dataDir: row("Folder of qpq.db, the certificate and generated secrets.", String, "data"),
    host: row("Address to listen on (UDP). :: = all, IPv6 and IPv4.", String, "::"),
    port: row("UDP port; 0 = any free one.", "port", 7000),
    websocket: row("A WebSocket over TLS beside QUIC, for browsers and networks that block UDP.", ["on", "off"], "on"),
    websocketPort: row("TCP port of the WebSocket; 0 = the number of the UDP port.", "port", 0),
    allowedOrigins: row("Origins of pages that may connect, with commas between; programs always may.", String, ""),
    opsHost: row("Address of /livez, /readyz and /metrics (TCP).", String, "127.0.0.1"),
    opsPort: row("TCP port of /livez, /readyz and /metrics; 0 = any free one.", "port", 9090),
    serverName: row("Name in the generated certificate, which clients check.", String, "localhost"),
    logLevel: row("Least level of log lines.", ["debug", "info", "warn", "error", "silent"], "info"),
    serverId: row(
      "First 8 bytes of connection ids, in hex, for load balancers. Empty = made at first start.",
      hex8,
      "",
    ),
    drainMs: row("Longest time for a graceful stop, in ms.", "nat", 10_000),
    appendsInFlightMax: row("Messages accepted but not yet durable; beyond it E021_OVERLOADED.", "nat", 20_000),
    callsInFlightMax: row("Calls in flight in one RPC session.", "nat", 4_096),
    waitersMax: row("Parked fetchWait calls in all.", "nat", 100_000),
    subscriptionsMax: row("Open subscriptions in all.", "nat", 100_000),
    authToken: {
      ...row("Static bearer token; its holder may act for every identity. Empty = generated.", String, ""),
      sensitive: true,
    },
  };
  for (const [name, limit] of limitRows) rows[name] = row(limit.doc, rangeOf(limit), limit.default);
  for (const [name, setting] of Object.entries(rows)) rows[name] = { ...setting, env: `QPQ_${snake(name)}` };
  return rows;
}

function hex8(value: unknown): void {
  if (value !== "" && !/^[0-9a-f]{16}$/i.test(String(value))) throw new Error("must be 16 hex digits");
}

function rangeOf(limit: LimitRow): (value: unknown) => void {
  return (value) => {
    if (!Number.isInteger(value) || (value as number) < limit.min || (value as number) > limit.max) {
      throw new Error(`must be a whole number from ${limit.min} to ${limit.max}`);
    }
  };
}

function row(doc: string, format: unknown, defaultValue: unknown): Setting {
  return { doc, format, default: defaultValue, env: "" };
}

/** `payloadBytesMax` -> `PAYLOAD_BYTES_MAX` */
function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export type ConfigSources = {
  /** Arguments behind the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Throws E046_CONFIG that names every wrong key, flag or value, or E048_USAGE for words that are no flag. */
export function loadConfig({ args, env }: ConfigSources): ServerConfig {
  const rows = settings();
  const flags = readFlags(args, rows);
  const convictConfig = convict(rows as convict.Schema<Record<string, unknown>>, {
    env: secretsFromFiles(rows, env),
    args: [],
  });
  const file = flags["config"] ?? env["QPQ_CONFIG"] ?? (existsSync("qpq-server.toml") ? "qpq-server.toml" : undefined);
  const fromFile = file === undefined ? {} : readFile(file, rows);
  try {
    // convict lets the environment win over what is loaded, and `set` wins over both
    convictConfig.load(fromFile);
    for (const [name, value] of Object.entries(flags)) if (name !== "config") convictConfig.set(name, value);
    convictConfig.validate({ allowed: "strict" });
  } catch (error) {
    throw new QpqError("E046_CONFIG", { text: (error as Error).message, cause: error });
  }
  return freeze(convictConfig.getProperties());
}

function readFlags(args: readonly string[], rows: Record<string, Setting>): Record<string, string> {
  const nameOfFlag = new Map<string, string>([["config", "config"]]);
  for (const [name, setting] of Object.entries(rows)) if (setting.sensitive !== true) nameOfFlag.set(kebab(name), name);
  const options = Object.fromEntries([...nameOfFlag.keys()].map((flag) => [flag, { type: "string" as const }]));
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new QpqError("E048_USAGE", { text: `${(error as Error).message}. Try: qpq-server --help`, cause: error });
  }
  return Object.fromEntries(
    Object.entries(values).map(([flag, value]) => [nameOfFlag.get(flag) as string, String(value)]),
  );
}

/** QPQ_X_FILE names a file whose trimmed text is the secret X. */
function secretsFromFiles(rows: Record<string, Setting>, env: ConfigSources["env"]): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = { ...env };
  for (const setting of Object.values(rows)) {
    const file = setting.sensitive === true ? env[`${setting.env}_FILE`] : undefined;
    if (file === undefined) continue;
    try {
      result[setting.env] = readFileSync(file, "utf8").trim();
    } catch (error) {
      throw new QpqError("E046_CONFIG", { text: `${setting.env}_FILE cannot be read`, cause: error });
    }
  }
  return result;
}

function readFile(file: string, rows: Record<string, Setting>): Record<string, unknown> {
  let parsed: Record<string, unknown>;
  try {
    parsed = parseToml(readFileSync(file, "utf8"));
  } catch (error) {
    throw new QpqError("E046_CONFIG", { text: `${file}: ${(error as Error).message}`, cause: error });
  }
  const unknown = Object.keys(parsed).filter((name) => !Object.hasOwn(rows, name));
  if (unknown.length > 0) throw new QpqError("E046_CONFIG", { text: `${file}: unknown key ${unknown.join(", ")}` });
  return parsed;
}

function freeze(flat: Record<string, unknown>): ServerConfig {
  const value = <T>(name: string): T => flat[name] as T;
  const numberOf = (name: string): number => value<number>(name);
  const config: ServerConfig = {
    store: value("store"),
    dataDir: value("dataDir"),
    host: value("host"),
    port: numberOf("port"),
    opsHost: value("opsHost"),
    opsPort: numberOf("opsPort"),
    authToken: value<string>("authToken") === "" ? undefined : value("authToken"),
    serverName: value("serverName"),
    logLevel: value("logLevel"),
    drainMs: numberOf("drainMs"),
    processes: slice(processLimits, flat),
    serverId: value("serverId") === "" ? undefined : Buffer.from(value<string>("serverId"), "hex"),
    limits: slice(limits, flat),
    quic: slice(quicLimits, flat),
    websocket: value("websocket"),
    websocketPort: numberOf("websocketPort"),
    allowedOrigins: value<string>("allowedOrigins")
      .split(",")
      .filter((origin) => origin !== ""),
    websocketLimits: slice(websocketLimits, flat, websocketName),
    appendsInFlightMax: numberOf("appendsInFlightMax"),
    callsInFlightMax: numberOf("callsInFlightMax"),
    waitersMax: numberOf("waitersMax"),
    subscriptionsMax: numberOf("subscriptionsMax"),
  };
  if (config.limits.dedupeWindowSecs < config.limits.messageLifeSecs) {
    throw new QpqError("E046_CONFIG", { text: "dedupeWindowSecs must be at least messageLifeSecs" });
  }
  return Object.freeze(config);
}

function slice<Name extends string>(
  table: Record<Name, LimitRow>,
  flat: Record<string, unknown>,
  settingOf: (name: string) => string = (name) => name,
): Readonly<Record<Name, number>> {
  return Object.freeze(
    Object.fromEntries(Object.keys(table).map((name) => [name, flat[settingOf(name)]])) as Record<Name, number>,
  );
}

/** The settings for `--help`: flag, variable, default, meaning. */
export function describeConfig(): string {
  const lines = Object.entries(settings()).map(([name, setting]) => {
    const flag = setting.sensitive === true ? "" : `--${kebab(name)}`;
    return `  ${flag.padEnd(32)}${setting.env.padEnd(36)}${String(setting.default).padEnd(12)}${setting.doc}`;
  });
  return lines.join("\n");
}
