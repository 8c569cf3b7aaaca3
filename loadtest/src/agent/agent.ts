/**
 * `qpq bench agent`: an HTTP face of the load tests' actions, for load generators that have no QUIC, such as k6. It holds
 * the real connections to the server, and does one action a request (http-face.ts).
 */
import { limits, QpqError } from "quicproquo-proto";
import type { ServerAddress } from "quicproquo-sdk";
import { actions } from "../open-loop/actions.ts";
import { type AgentLimits, agentLimits } from "./limits.ts";
import { startAgent } from "./running-agent.ts";

type Flag = { readonly type: "string"; readonly doc: string };

const listenDefault = "127.0.0.1:7070";
const connectionsDefault = 8;
const usersMax = 100_000;
/** The same as those of a fan-out (wire.md). */
const recipientsMax = 1_000;

export const agentFlags: Readonly<Record<string, Flag>> = {
  listen: { type: "string", doc: `HOST:PORT of the HTTP face (default ${listenDefault})` },
  users: {
    type: "string",
    doc: "virtual users of an action (default: each action's own, as of its scenario in qpq bench)",
  },
  connections: { type: "string", doc: `to the server, that the users share (default ${connectionsDefault})` },
  "payload-bytes": { type: "string", doc: "of each message, or file (default: each action's own)" },
  recipients: { type: "string", doc: "of a fan-out; members of a group (default: each action's own)" },
  ...Object.fromEntries(
    Object.entries(agentLimits).map(([name, { default: value, doc }]): [string, Flag] => [
      kebab(name),
      { type: "string", doc: `${doc} (default ${value})` },
    ]),
  ),
};

export type AgentFlagValues = Readonly<Record<string, string | boolean | readonly string[]>>;

export type AgentContext = {
  /** E048_USAGE. */
  readonly server: () => ServerAddress;
  /** For the server. A secret; empty: actions that need none. */
  readonly accessToken: () => Uint8Array;
  /** For those who drive the agent. A secret; empty: there is none. */
  readonly agentToken: () => string;
  /** Where it listens, once it does. */
  readonly data: (text: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly say: (text: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
};

/** Resolves when the signal has ended it. E048_USAGE; what startAgent rejects with. */
export async function runAgent(flags: AgentFlagValues, context: AgentContext): Promise<void> {
  const listen = listenOf(flags["listen"] ?? listenDefault);
  const accessToken = context.accessToken();
  const agentToken = context.agentToken();
  await using agent = await startAgent({
    // what falls back to a WebSocket under load would measure something else
    server: quicWhereAny(context.server()),
    accessToken,
    agentToken,
    listen,
    connections: wholeNumber(flags, "connections", usersMax) ?? connectionsDefault,
    sizes: {
      users: wholeNumber(flags, "users", usersMax),
      payloadBytes: wholeNumber(flags, "payload-bytes", limits.blobBytesMax.default),
      recipients: wholeNumber(flags, "recipients", recipientsMax),
    },
    limits: limitsIn(flags),
  });
  const url = `http://${listen.host.includes(":") ? `[${listen.host}]` : listen.host}:${agent.port}`;
  if (accessToken.length === 0) {
    context.say("no QPQ_AUTH_TOKEN_FILE: actions that need the server's static token fail with E003_UNAUTHENTICATED");
  }
  if (agentToken !== "") context.say("the agent's token goes over plain HTTP: within a trusted network only");
  context.data(url, { url, actions: Object.keys(actions) });
  context.say(`next: QPQ_AGENT=${url} k6 run loadtest/k6/smoke.ts; Ctrl-C ends it`);
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    context.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** `more`: what stands behind the flags. */
export function agentHelp(program: string, more: string): string {
  const rows = Object.entries(agentFlags).map(([name, { doc }]) => `  ${`--${name}`.padEnd(23)}${doc}`);
  return `${program}: real connections to a server, driven over HTTP by k6 or another load generator without QUIC

  ${program}
  ${program} --users 500 --connections 16
  QPQ_AGENT_TOKEN_FILE=agent-token ${program} --listen 0.0.0.0:7070

  curl -X POST http://127.0.0.1:7070/v1/enqueue
  {"ok":true,"code":"ok","micros":1234}

Actions, each with a POST /v1/ACTION; {"user":N} as JSON says whose it is
${Object.entries(actions)
  .map(([name, { doc }]) => `  ${name.padEnd(23)}${doc}`)
  .join("\n")}
GET /v1/health, /v1/actions and /metrics (Prometheus) tell of the agent.

Flags
${rows.join("\n")}

Beyond 127.0.0.1 it listens only with a token: QPQ_AGENT_TOKEN_FILE, or QPQ_AGENT_TOKEN; requests have it as a bearer.
${more}`;
}

function quicWhereAny(server: ServerAddress): ServerAddress {
  return server.transport === "websocket" ? server : { ...server, transport: "quic" };
}

function limitsIn(flags: AgentFlagValues): Partial<AgentLimits> {
  const given = Object.keys(agentLimits).flatMap((name) => {
    const value = wholeNumber(flags, kebab(name), 2 ** 31 - 1);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(given);
}

function wholeNumber(flags: AgentFlagValues, flag: string, max: number): number | undefined {
  const text = flags[flag];
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(String(text)) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  throw new QpqError("E048_USAGE", { text: `--${flag} takes a whole number from 1 to ${max}, not ${text}` });
}

function listenOf(text: unknown): { host: string; port: number } {
  const [, address, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(String(text)) ?? [];
  const host = address ?? name;
  if (host === undefined || Number(port) > 65_535) {
    throw new QpqError("E048_USAGE", { text: `--listen takes HOST:PORT, not ${text}` });
  }
  return { host, port: Number(port) };
}

/** inFlightMax -> in-flight-max */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
