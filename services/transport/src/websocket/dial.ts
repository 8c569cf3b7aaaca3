/** Dials a WebSocket server from Node: TLS, the server's certificate, the HTTP upgrade. */
import type { IncomingMessage } from "node:http";
import { isIP, isIPv6 } from "node:net";
import type { TLSSocket } from "node:tls";
import { QpqError } from "quicproquo-proto";
import { WebSocket } from "ws";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { Connection } from "../port.ts";
import { checkTrust, type Trust } from "../trust.ts";
import { WebSocketConnection } from "./connection.ts";
import { infoOf } from "./info.ts";
import { NodeSocket } from "./node-socket.ts";
import { connectTls } from "./tls-client.ts";
import { refusals, subprotocol, upgradePath, wsOptions } from "./upgrade.ts";
import { resolveWebSocketLimits, type WebSocketLimits } from "./websocket-limits.ts";

export type WebSocketDialOptions = {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  /** The DNS name that the server's certificate must carry (but see Trust); not an address. */
  readonly serverName: string;
  readonly trust: Trust;
  readonly limits?: Partial<WebSocketLimits>;
  /** Told of what a callback threw. Default: a process warning. */
  readonly onFault?: OnFault;
  readonly signal?: AbortSignal;
};

/**
 * Resolves when the WebSocket is open and the server's certificate was checked; the first callback comes at least one
 * turn later. Rejects with E041_CERTIFICATE (not trusted, wrong name, not valid now: the texts differ), or
 * E040_CONNECT_FAILED (nothing listens, no answer in time, no TLS, other subprotocol, refused, aborted).
 */
export async function dialWebSocket(options: WebSocketDialOptions): Promise<Connection> {
  const limits = resolveWebSocketLimits(options.limits);
  if (isIP(options.serverName) !== 0 || options.serverName === "") {
    throw new QpqError("E041_CERTIFICATE", { text: "the server name must be a DNS name, not an address" });
  }
  checkTrust(options.trust);
  using bounds = new DialBounds(limits.handshakeMsMax, options.signal);
  bounds.signal.throwIfAborted();
  const tls = await connectTls(options, bounds.signal);
  return await upgrade(tls, { url: urlOf(options), limits, signal: bounds.signal, onFault: options.onFault });
}

/** Ends a dial at its deadline or when the caller gives up, with the error to tell. */
class DialBounds implements Disposable {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#stop("the dial was aborted", this.#caller?.reason);

  constructor(handshakeMsMax: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#timer = setTimeout(() => this.#stop("no answer in time"), handshakeMsMax);
    if (caller?.aborted === true) this.#onAbort();
    else caller?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#onAbort);
  }

  #stop(text: string, cause?: unknown): void {
    this.#controller.abort(new QpqError("E040_CONNECT_FAILED", { text, cause }));
  }
}

type UpgradeOptions = {
  readonly url: string;
  readonly limits: WebSocketLimits;
  readonly signal: AbortSignal;
  readonly onFault: OnFault | undefined;
};

/** The socket is destroyed when this rejects. */
function upgrade(tls: TLSSocket, { url, limits, signal, onFault }: UpgradeOptions): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const socket = new WebSocket(url, [subprotocol], { ...wsOptions(limits), createConnection: () => tls });
  const fail = (error: QpqError): void => {
    reject(error);
    tls.destroy();
  };
  const onAbort = (): void => fail(signal.reason);
  socket.on("error", (cause) => {
    fail(new QpqError("E040_CONNECT_FAILED", { text: "the server refused the upgrade", cause }));
  });
  socket.once("unexpected-response", (_request, response) => fail(refusalOf(response)));
  socket.once("upgrade", (response) => {
    if (response.headers["sec-websocket-protocol"] !== subprotocol) fail(refusedAs(refusals.subprotocol.text, 101));
  });
  socket.once("open", () => {
    socket.removeAllListeners();
    // At once: what came behind the upgrade is told in the next tick, before any promise is.
    const node = new NodeSocket({ socket, role: "client", limits });
    const connection = new WebSocketConnection({
      socket: node,
      role: "client",
      info: infoOf(tls),
      limits,
      rttMs: () => node.rttMs,
      onFault: faultReporter(onFault),
    });
    resolve(connection);
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}

function refusalOf(response: IncomingMessage): QpqError {
  const status = response.statusCode ?? 0;
  const known = Object.values(refusals).find((refusal) => refusal.status === status);
  return refusedAs(known?.text ?? "the server refused the upgrade", status);
}

function refusedAs(text: string, status: number): QpqError {
  return new QpqError("E040_CONNECT_FAILED", { text, fields: { httpStatus: status } });
}

function urlOf({ host, port }: WebSocketDialOptions): string {
  return `wss://${isIPv6(host) ? `[${host}]` : host}:${port}${upgradePath}`;
}
