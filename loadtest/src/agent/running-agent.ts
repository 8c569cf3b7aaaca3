/** An agent from its start to its end: the connections to the server, the actions on them, and the HTTP face. */
import type { AddressInfo } from "node:net";
import { QpqError } from "quicproquo-proto";
import type { ServerAddress } from "quicproquo-sdk";
import { ConnectionPool } from "../open-loop/connection-pool.ts";
import { Access } from "./access.ts";
import { ActionRuns, type ActionSizes } from "./action-runs.ts";
import { AgentMetrics } from "./agent-metrics.ts";
import { httpFace } from "./http-face.ts";
import { type AgentLimits, defaultAgentLimits } from "./limits.ts";

export type AgentOptions = {
  readonly server: ServerAddress;
  /** For the server. A secret; empty: actions that need none. */
  readonly accessToken: Uint8Array;
  /** QUIC connections to the server, which the users share. */
  readonly connections: number;
  readonly sizes: ActionSizes;
  readonly listen: { readonly host: string; readonly port: number };
  /** For those who drive the agent. A secret; empty: on loopback nobody is asked. */
  readonly agentToken: string;
  /** Default: those of the table. */
  readonly limits?: Partial<AgentLimits>;
};

export type Agent = AsyncDisposable & { readonly port: number };

/**
 * Resolves when it is connected to its server and listens. E048_USAGE, E040_CONNECT_FAILED, E041_CERTIFICATE,
 * E047_PORT_IN_USE.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { server, accessToken, connections, sizes, listen, agentToken } = options;
  const access = new Access({ host: listen.host, token: agentToken });
  const limits = { ...defaultAgentLimits(), ...options.limits };
  const metrics = new AgentMetrics();
  const pool = await ConnectionPool.open({ server, accessToken, connections });
  const runs = new ActionRuns({ pool, sizes, limits, metrics });
  const face = httpFace({ access, limits, metrics, pool, runs });
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => face.close(resolve));
    face.closeAllConnections();
    await closed;
    await runs.close();
    pool.close();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      face.once("error", reject).listen(listen.port, listen.host, resolve);
    });
  } catch (error) {
    await close();
    throw listenError(error, listen);
  }
  return { port: (face.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}

function listenError(cause: unknown, { host, port }: AgentOptions["listen"]): QpqError {
  const { code = "error" } = cause as NodeJS.ErrnoException;
  if (code !== "EADDRINUSE") return new QpqError("E046_CONFIG", { text: `cannot listen on ${host}: ${code}`, cause });
  return new QpqError("E047_PORT_IN_USE", { text: `TCP port ${port} is taken; name another by --listen`, cause });
}
