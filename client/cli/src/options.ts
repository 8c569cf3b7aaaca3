/** What every command of qpq is given: flag > environment > default. Secrets come from the environment or a file only. */
import { readFileSync } from "node:fs";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { QpqError } from "quicproquo-proto";
import type { ServerAddress, Trust } from "quicproquo-sdk";

export type Options = {
  readonly server: string;
  readonly caCertFile: string | undefined;
  readonly pin: string | undefined;
  readonly transport: string;
  readonly websocketPort: string | undefined;
  readonly serverName: string;
  readonly stateFile: string;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly follow: boolean;
  readonly hybrid: boolean;
  /** logout: on all devices. */
  readonly all: boolean;
  /** login, passwd, resolve: another key than before is meant. */
  readonly acceptNewKey: boolean;
  /** recv: stop after so many messages. ping: how many calls. history: how many entries. */
  readonly count: number | undefined;
  readonly timeoutMs: number;
  readonly help: boolean;
  readonly version: boolean;
  /** The command and its words. */
  readonly words: readonly string[];
  /** Of the command's own flags those that were given. */
  readonly own: OwnFlagValues;
  readonly env: Environment;
};

type OwnFlagValues = Readonly<Record<string, string | boolean | readonly string[]>>;

/** Flags that one command alone has. */
export type OwnFlags = Readonly<
  Record<string, { readonly type: "string" | "boolean"; readonly multiple?: boolean; readonly doc: string }>
>;

export type Environment = Readonly<Record<string, string | undefined>>;

type Flag = {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly env?: string;
  readonly default?: string;
  readonly doc: string;
};

export const flags = {
  server: { type: "string", env: "QPQ_SERVER", default: "127.0.0.1:7000", doc: "HOST:PORT of the server" },
  "ca-cert": { type: "string", env: "QPQ_CA_CERT", doc: "the server's certificate (DER or PEM): the only one trusted" },
  pin: { type: "string", env: "QPQ_PIN", doc: "instead: sha256:... of the server's key; several with commas" },
  transport: {
    type: "string",
    env: "QPQ_TRANSPORT",
    default: "any",
    doc: "quic, websocket (where UDP is blocked), or any: QUIC, and a WebSocket if that takes long",
  },
  "websocket-port": { type: "string", env: "QPQ_WEBSOCKET_PORT", doc: "TCP port; default: the number of the UDP port" },
  "server-name": {
    type: "string",
    env: "QPQ_SERVER_NAME",
    default: "localhost",
    doc: "name the certificate must carry",
  },
  state: {
    type: "string",
    env: "QPQ_STATE",
    default: "qpq-state.bin",
    doc: "file with your keys; conversations stand in a .db file beside it",
  },
  json: { type: "boolean", doc: "one JSON object a line on standard output" },
  verbose: { type: "boolean", short: "v", doc: "what happened on each layer, on standard error" },
  follow: { type: "boolean", short: "f", doc: "recv: wait for more" },
  hybrid: { type: "boolean", doc: "wrap what is sent in the hybrid envelope too (or QPQ_HYBRID=1)" },
  all: { type: "boolean", doc: "logout: on all your devices" },
  "accept-new-key": { type: "boolean", doc: "login, passwd, resolve: take another key than the one known from before" },
  count: {
    type: "string",
    short: "n",
    doc: "recv: stop after so many messages; ping: so many calls; history: so many entries",
  },
  "timeout-ms": {
    type: "string",
    env: "QPQ_TIMEOUT_MS",
    default: "30000",
    doc: "give up after so long without success",
  },
  help: { type: "boolean", short: "h", doc: "this text" },
  version: { type: "boolean", doc: "print the version" },
} as const satisfies Record<string, Flag>;

/** The command and its words, whatever flags it has; a flag of its own stands behind it. */
export function wordsIn(args: readonly string[]): readonly string[] {
  return parseArgs({ args: [...args], options: shapesOf(flags), strict: false, allowPositionals: true }).positionals;
}

/** E048_USAGE names the wrong word. */
export function parseOptions(args: readonly string[], env: Environment, ownFlags: OwnFlags = {}): Options {
  const options = { ...shapesOf(flags), ...shapesOf(ownFlags) };
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    const meant = flagMeant((error as Error).message, Object.keys(options));
    throw new QpqError("E048_USAGE", { text: `${(error as Error).message}${meant}. See: qpq --help`, cause: error });
  }
  const own = Object.entries(parsed.values).filter(([name]) => Object.hasOwn(ownFlags, name));
  const textOf = (name: keyof typeof flags): string | undefined => {
    const flag: Flag = flags[name];
    const fromEnv = flag.env === undefined ? undefined : env[flag.env];
    return (parsed.values[name] as string | undefined) ?? (fromEnv === "" ? undefined : fromEnv) ?? flag.default;
  };
  return {
    server: textOf("server") as string,
    caCertFile: textOf("ca-cert"),
    pin: textOf("pin"),
    transport: textOf("transport") as string,
    websocketPort: textOf("websocket-port"),
    serverName: textOf("server-name") as string,
    stateFile: textOf("state") as string,
    json: parsed.values["json"] === true,
    verbose: parsed.values["verbose"] === true,
    follow: parsed.values["follow"] === true,
    hybrid: parsed.values["hybrid"] === true || env["QPQ_HYBRID"] === "1",
    all: parsed.values["all"] === true,
    acceptNewKey: parsed.values["accept-new-key"] === true,
    count: wholeNumber("--count", textOf("count")),
    timeoutMs: wholeNumber("--timeout-ms", textOf("timeout-ms")) as number,
    help: parsed.values["help"] === true,
    version: parsed.values["version"] === true,
    words: parsed.positionals,
    own: Object.fromEntries(own) as OwnFlagValues,
    env,
  };
}

/** Of an unknown flag: the one that begins alike and shares the most letters, if any. */
function flagMeant(message: string, names: readonly string[]): string {
  const [, given] = /^Unknown option '--([a-z-]+)'/.exec(message) ?? [];
  if (given === undefined) return "";
  const shared = (name: string): number => [...new Set(given)].filter((letter) => name.includes(letter)).length;
  const near = names.filter((name) => name[0] === given[0] && shared(name) * 2 > new Set(given).size);
  const [best] = near.sort((a, b) => shared(b) - shared(a) || a.length - b.length);
  return best === undefined ? "" : `; did you mean --${best}?`;
}

function shapesOf(table: OwnFlags | Readonly<Record<string, Flag>>): NonNullable<ParseArgsConfig["options"]> {
  const shapes = Object.entries(table).map(([name, { type, ...more }]) => {
    const short = "short" in more && more.short !== undefined ? { short: more.short } : {};
    return [name, { type, ...short, ...("multiple" in more ? { multiple: true } : {}) }];
  });
  return Object.fromEntries(shapes);
}

function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new QpqError("E048_USAGE", { text: `${flag} takes a whole number from 1, not ${text}` });
  return Number(text);
}

/** E048_USAGE names the wrong word. */
export function serverAddressOf(options: Options): ServerAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(options.server);
  if (match === null) throw new QpqError("E048_USAGE", { text: `--server takes HOST:PORT, not ${options.server}` });
  const { transport, websocketPort } = options;
  if (transport !== "any" && transport !== "quic" && transport !== "websocket") {
    throw new QpqError("E048_USAGE", { text: `--transport is quic, websocket or any, not ${transport}` });
  }
  return {
    host: (match[1] ?? match[2]) as string,
    port: portOf("--server", match[3] as string),
    serverName: options.serverName,
    trust: trustOf(options),
    transport,
    ...(websocketPort === undefined ? {} : { websocketPort: portOf("--websocket-port", websocketPort) }),
  };
}

function portOf(flag: string, text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new QpqError("E048_USAGE", { text: `${flag}: a port is 1 to 65535, not ${text}` });
}

function trustOf({ caCertFile, pin }: Options): Trust {
  if (pin !== undefined) return { pins: pin.split(",").map(pinOf) };
  if (caCertFile !== undefined) return { caCertificate: readNamed(caCertFile, "--ca-cert") };
  throw new QpqError("E048_USAGE", {
    text: "no server to trust: give --ca-cert FILE or --pin sha256:... (the server prints both at its start)",
  });
}

/** SHA-256 of the key as base64, base64url or hex. */
function pinOf(text: string): Uint8Array {
  const [, value] = /^sha256:(.+)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(value ?? "", /^[0-9a-fA-F]{64}$/.test(value ?? "") ? "hex" : "base64");
  if (bytes.length !== 32) throw new QpqError("E048_USAGE", { text: `--pin takes sha256: and 32 bytes, not ${text}` });
  return bytes;
}

/** Empty when none is set. */
export function accessTokenOf(options: Options): Uint8Array {
  return Buffer.from(secretOf(options, "QPQ_AUTH_TOKEN"));
}

/** The variable, or the text of the file that NAME_FILE names. Empty when neither is set. */
export function secretOf({ env }: Options, name: "QPQ_AUTH_TOKEN" | "QPQ_AGENT_TOKEN"): string {
  const file = env[`${name}_FILE`];
  const given = env[name] ?? "";
  if (given !== "" || file === undefined) return given;
  return readNamed(file, `${name}_FILE`).toString("utf8").trim();
}

/** E048_USAGE when it cannot be read. `what` names it. */
export function readNamed(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "error";
    throw new QpqError("E048_USAGE", { text: `${what} ${file} cannot be read (${code})`, cause: error });
  }
}
