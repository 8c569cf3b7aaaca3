/**
 * The server's configuration: default < file qpq-server.toml < environment QPQ_* < flag. Parsed once, checked strictly
 * (an unknown key, flag or value is named in the error), frozen. The only file that reads process.env.
 *
 * A secret is never a flag: it comes from the environment, or from a file named by the same variable with _FILE behind
 * it (mounted secrets), and is printed as "[Sensitive]".
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import convict from "convict";
import { type LimitName, type LimitRow, limits, QpqError } from "quicproquo-proto";
import { type QuicLimits, quicLimits } from "quicproquo-transport/quic";
import { type WebSocketLimits, websocketLimits } from "quicproquo-transport/websocket";
import { parse as parseToml } from "smol-toml";
import type { LogLevel } from "./observe/log.ts";
import type { TracingOptions } from "./observe/tracing.ts";
import { type ProcessLimits, processLimits } from "./processes/process-limits.ts";
import { kebab, type Setting, settings, trueOrFalse, websocketName } from "./settings.ts";

/** Where the store of several servers is. */
export type ClusterConfig = {
  /** store/postgres/address.ts says what it looks like. */
  readonly databaseUrl: string;
  readonly databasePassword: string | undefined;
  /** Where it was read from, absolute: read again at each connect, so that it may change. */
  readonly databasePasswordFile: string | undefined;
  /** A secret. undefined = without Redis. */
  readonly redisUrl: string | undefined;
  readonly redisMode: "single" | "cluster";
  readonly hotTail: boolean;
};

export type ServerConfig = {
  /** undefined = the embedded store, in dataDir. */
  readonly cluster: ClusterConfig | undefined;
  /** Of the embedded store: see EmbeddedStoreOptions. */
  readonly messageLog: boolean;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly opsHost: string;
  readonly opsPort: number;
  /** undefined = not given: generated at first start and kept in dataDir/auth-token, or none (production). */
  readonly authToken: string | undefined;
  readonly serverName: string;
  /** Where they are, absolute; undefined = in dataDir. */
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly production: boolean;
  readonly singleTenant: boolean;
  /** Files outside dataDir that secrets were read from. */
  readonly secretFiles: readonly string[];
  /** Absolute. undefined = among the log lines. */
  readonly auditFile: string | undefined;
  readonly auditActsPerMinute: number;
  readonly auditRefusalsPerMinute: number;
  /** A secret. undefined = that of dataDir/opaque-setup. */
  readonly opaqueSetup: string | undefined;
  readonly allowUnprovenIdentity: boolean;
  readonly allowSealedSender: boolean;
  readonly logLevel: LogLevel;
  readonly metrics: "on" | "off";
  /** undefined: nothing is traced. */
  readonly tracing: TracingOptions | undefined;
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
  readonly safetySweepMs: number;
};

export type ConfigSources = {
  /** Arguments behind the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** One setting as it applies, and which source had the last word. */
export type SettingInForce = {
  readonly name: string;
  /** undefined: a secret, whatever it is. */
  readonly value: unknown;
  /** `--flag`, `QPQ_VARIABLE`, `QPQ_VARIABLE_FILE`, the file's path, or `default`. */
  readonly from: string;
};

/** Throws E046_CONFIG that names every wrong key, flag or value, or E048_USAGE for words that are no flag. */
export function loadConfig(sources: ConfigSources): ServerConfig {
  return readConfig(sources).config;
}

/** As loadConfig, with each setting's origin in the order of the table. */
export function readConfig({ args, env }: ConfigSources): {
  readonly config: ServerConfig;
  readonly inForce: readonly SettingInForce[];
} {
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
  const properties = convictConfig.getProperties();
  const config = freeze(properties, {
    databasePassword: env["QPQ_DATABASE_PASSWORD_FILE"],
    all: secretFilesOf({ rows, env, file, fromFile }),
    isTokenGiven: properties["authToken"] !== "" || (env["QPQ_AUTH_TOKEN"] ?? env["QPQ_AUTH_TOKEN_FILE"]) !== undefined,
  });
  const inForce = Object.entries(rows).map(([name, { env: variable, sensitive = false }]): SettingInForce => {
    const sources = [
      Object.hasOwn(flags, name) && `--${kebab(name)}`,
      sensitive && env[`${variable}_FILE`] !== undefined && `${variable}_FILE`,
      env[variable] !== undefined && variable,
      Object.hasOwn(fromFile, name) && file,
    ];
    const from = sources.find((source) => typeof source === "string") ?? "default";
    return { name, value: sensitive ? undefined : properties[name], from };
  });
  return { config, inForce };
}

type Given = {
  readonly databasePassword: string | undefined;
  readonly all: readonly string[];
  /** It may be given, and empty. */
  readonly isTokenGiven: boolean;
};

function secretFilesOf({
  rows,
  env,
  file,
  fromFile,
}: {
  rows: Record<string, Setting>;
  env: ConfigSources["env"];
  file: string | undefined;
  fromFile: Record<string, unknown>;
}): string[] {
  const secrets = Object.entries(rows).filter(([, { sensitive }]) => sensitive === true);
  const mounted = secrets.flatMap(([, setting]) => env[`${setting.env}_FILE`] ?? []);
  const isInFile = secrets.some(([name]) => Object.hasOwn(fromFile, name));
  return [...mounted, ...(isInFile && file !== undefined ? [file] : [])];
}

function readFlags(args: readonly string[], rows: Record<string, Setting>): Record<string, string> {
  const nameOfFlag = new Map<string, string>([["config", "config"]]);
  for (const [name, setting] of Object.entries(rows)) if (setting.sensitive !== true) nameOfFlag.set(kebab(name), name);
  const options = Object.fromEntries(
    [...nameOfFlag].map(([flag, name]) => [
      flag,
      { type: rows[name]?.format === trueOrFalse ? "boolean" : "string" } as const,
    ]),
  );
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

function freeze(flat: Record<string, unknown>, given: Given): ServerConfig {
  const value = <T>(name: string): T => flat[name] as T;
  const isOn = (name: string): boolean => String(flat[name]) === "true";
  const numberOf = (name: string): number => value<number>(name);
  const pathOf = (name: string): string | undefined => (flat[name] === "" ? undefined : resolve(value<string>(name)));
  const config: ServerConfig = {
    cluster: clusterOf(flat, given.databasePassword),
    messageLog: value("messageLog") === "on",
    dataDir: value("dataDir"),
    host: value("host"),
    port: numberOf("port"),
    opsHost: value("opsHost"),
    opsPort: numberOf("opsPort"),
    authToken: given.isTokenGiven ? value("authToken") : undefined,
    serverName: value("serverName"),
    tlsCert: pathOf("tlsCert"),
    tlsKey: pathOf("tlsKey"),
    production: isOn("production"),
    singleTenant: isOn("singleTenant"),
    secretFiles: given.all,
    auditFile: pathOf("auditFile"),
    auditActsPerMinute: numberOf("auditActsPerMinute"),
    auditRefusalsPerMinute: numberOf("auditRefusalsPerMinute"),
    opaqueSetup: value<string>("opaqueSetup") === "" ? undefined : value("opaqueSetup"),
    allowUnprovenIdentity: isOn("allowUnprovenIdentity"),
    allowSealedSender: isOn("allowSealedSender"),
    logLevel: value("logLevel"),
    metrics: value("metrics"),
    tracing: tracingOf(flat),
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
    safetySweepMs: numberOf("safetySweepMs"),
  };
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    throw new QpqError("E046_CONFIG", { text: "tlsCert and tlsKey go together: set both, or none" });
  }
  if (config.limits.dedupeWindowSecs < config.limits.messageLifeSecs) {
    throw new QpqError("E046_CONFIG", { text: "dedupeWindowSecs must be at least messageLifeSecs" });
  }
  return Object.freeze(config);
}

function tracingOf(flat: Record<string, unknown>): TracingOptions | undefined {
  if (flat["otlpEndpoint"] === "") return undefined;
  return {
    endpoint: String(flat["otlpEndpoint"]),
    headers: headersOf(String(flat["otlpHeaders"])),
    sampleRatio: Number(flat["traceSampleRatio"]),
    linkDelivery: flat["traceLinkDelivery"] === "1",
  };
}

/** As https://opentelemetry.io/docs/specs/otel/protocol/exporter/ has them. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  try {
    return Object.fromEntries(
      pairs.map((pair) => {
        const at = pair.indexOf("=");
        if (at < 1) throw new Error("no =");
        return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
      }),
    );
  } catch {
    throw new QpqError("E046_CONFIG", { text: "otlpHeaders must be name=value,name=value, percent-encoded" });
  }
}

/** undefined: the embedded store. */
function clusterOf(flat: Record<string, unknown>, passwordFile: string | undefined): ClusterConfig | undefined {
  const textOf = (name: string): string | undefined => (flat[name] === "" ? undefined : String(flat[name]));
  const databaseUrl = textOf("databaseUrl");
  const redisUrl = textOf("redisUrl");
  if (flat["store"] !== "cluster") {
    // else messages would go into a file that the other servers don't see
    const unused = databaseUrl === undefined ? redisUrl && "redisUrl" : "databaseUrl";
    if (unused === undefined) return undefined;
    throw new QpqError("E046_CONFIG", { text: `${unused} is for store=cluster, and store=${flat["store"]}` });
  }
  if (databaseUrl === undefined) {
    throw new QpqError("E046_CONFIG", { text: "store=cluster needs QPQ_DATABASE_URL (or QPQ_DATABASE_URL_FILE)" });
  }
  return {
    databaseUrl,
    databasePassword: textOf("databasePassword"),
    databasePasswordFile: passwordFile && resolve(passwordFile),
    redisUrl,
    redisMode: flat["redisMode"] as ClusterConfig["redisMode"],
    hotTail: flat["hotTail"] === "on",
  };
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
