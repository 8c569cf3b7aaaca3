/**
 * The agent over HTTP. The status speaks of the agent: 200 when the action was run, whatever came of it; `code` in the
 * answer speaks of the action, or says why there was none.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type ErrorCode, errorCodeOf, QpqError } from "quicproquo-proto";
import type { Action } from "../open-loop/action.ts";
import { type ActionName, actions } from "../open-loop/actions.ts";
import type { ConnectionPool } from "../open-loop/connection-pool.ts";
import { nearestName } from "../nearest-name.ts";
import type { Access } from "./access.ts";
import type { ActionRuns } from "./action-runs.ts";
import type { AgentMetrics } from "./agent-metrics.ts";
import type { AgentLimits } from "./limits.ts";
import { userIn } from "./request-body.ts";

export type HttpFaceParts = {
  readonly access: Access;
  readonly limits: AgentLimits;
  readonly metrics: AgentMetrics;
  readonly pool: ConnectionPool;
  readonly runs: ActionRuns;
};

type Answer = {
  readonly status: number;
  readonly body: string | object;
  readonly headers?: Readonly<Record<string, string>>;
};

const headerBytesMax = 8_192;
/** How often Node looks for requests that take too long, in ms: it bounds how late it notices. */
const checkEveryMs = 1_000;
/** Longer than k6 pauses between two actions of one VU, so that it need not connect anew. */
const keepAliveMs = 60_000;

const statuses: Partial<Record<ErrorCode, number>> = {
  E001_BAD_REQUEST: 400,
  E003_UNAUTHENTICATED: 401,
  E004_BAD_TOKEN: 401,
  E006_FORBIDDEN: 403,
  E008_PAYLOAD_TOO_LARGE: 413,
  E019_UNKNOWN_METHOD: 404,
  E028_DEADLINE: 504,
};

/** Does not listen yet. */
export function httpFace(parts: HttpFaceParts): Server {
  const { limits, metrics } = parts;
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      requestTimeout: limits.requestTimeoutMs,
      headersTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(checkEveryMs, limits.requestTimeoutMs),
    },
    (request, response) => {
      answerTo(parts, request).then(
        (answer) => send(response, answer),
        (error: unknown) => {
          const refusal = refusalOf(error);
          metrics.refused(errorCodeOf(error));
          // what was not read of the body would be taken for the next request
          send(
            response,
            request.complete ? refusal : { ...refusal, headers: { ...refusal.headers, connection: "close" } },
          );
        },
      );
    },
  );
  server.maxConnections = limits.connectionsMax;
  return server;
}

async function answerTo(parts: HttpFaceParts, request: IncomingMessage): Promise<Answer> {
  parts.access.check(request);
  const path = (request.url ?? "").split("?", 1)[0] as string;
  switch (`${request.method} ${path}`) {
    case "GET /v1/health":
      return await health(parts.pool);
    case "GET /v1/actions":
      return { status: 200, body: { actions: describeActions() } };
    case "GET /metrics": {
      const body = parts.metrics.page({ inFlight: parts.runs.inFlight, bytes: parts.pool.bytes() });
      return { status: 200, body, headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } };
    }
  }
  const [, name] = /^\/v1\/([a-z-]{1,32})$/.exec(path) ?? [];
  if (name === undefined) throw unknownPath("there are /v1/health, /v1/actions, /v1/ACTION and /metrics");
  if (!isAction(name)) {
    const near = nearestName(name, Object.keys(actions));
    throw unknownPath(
      `there is no action of this name${near === undefined ? "" : `; did you mean ${near}?`} See /v1/actions`,
    );
  }
  if (request.method !== "POST") {
    const body = { ok: false, code: "E001_BAD_REQUEST", text: "an action is a POST" };
    return { status: 405, body, headers: { allow: "POST" } };
  }
  const user = await userIn(request, parts.limits.bodyBytesMax);
  return { status: 200, body: await parts.runs.run(name, user) };
}

/** Whether the agent's server answers. */
async function health(pool: ConnectionPool): Promise<Answer> {
  const client = await pool.of(0);
  const { status } = await client.call("health", {});
  return { status: 200, body: { ok: true, code: "ok", status } };
}

function describeActions(): object[] {
  return Object.entries(actions).map(([name, { doc, measures, defaults, needsToken }]: [string, Action]) => ({
    name,
    doc,
    measures,
    needsToken,
    ...defaults,
  }));
}

function isAction(name: string): name is ActionName {
  return Object.hasOwn(actions, name);
}

function unknownPath(text: string): QpqError {
  return new QpqError("E019_UNKNOWN_METHOD", { text });
}

/** 503 for whatever is not the caller's doing. */
function refusalOf(error: unknown): Answer {
  const code = errorCodeOf(error);
  const { text = "internal", retryAfterMs = undefined } = error instanceof QpqError ? error : {};
  return {
    status: statuses[code] ?? 503,
    body: { ok: false, code, text },
    headers: {
      ...(code === "E003_UNAUTHENTICATED" ? { "www-authenticate": "Bearer" } : {}),
      ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) }),
    },
  };
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const text = typeof body === "string" ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
