/** An agent in front of a real server. */
import { request } from "node:http";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { type Agent, type AgentOptions, startAgent } from "../../src/agent/running-agent.ts";

export async function startTestServer(place: { dataDir?: string; port?: number } = {}): Promise<ServerProcess> {
  return await startServerProcess({ ...place, settings: { "log-level": "warn" } });
}

export async function startTestAgent(server: ServerProcess, options: Partial<AgentOptions> = {}): Promise<Agent> {
  return await startAgent({
    server: {
      host: "127.0.0.1",
      port: server.port,
      serverName: "localhost",
      trust: { caCertificate: server.certificate },
      transport: "quic",
    },
    accessToken: Buffer.from(server.token),
    connections: 2,
    sizes: { users: 4 },
    listen: { host: "127.0.0.1", port: 0 },
    agentToken: "",
    ...options,
  });
}

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: { ok?: boolean; code?: string; micros?: number; text?: string; actions?: { name: string }[] };
};

export type Ask = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** Unlike fetch it sends whatever headers it is told to, on a connection of its own. */
export function ask(agent: Agent, path: string, { method = "GET", headers = {}, body = "" }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: agent.port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const isJson = response.headers["content-type"] === "application/json";
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson ? JSON.parse(text) : {},
        });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

export function act(agent: Agent, action: string, user = 0): Promise<Reply> {
  const headers = { "content-type": "application/json" };
  return ask(agent, `/v1/${action}`, { method: "POST", headers, body: JSON.stringify({ user }) });
}
