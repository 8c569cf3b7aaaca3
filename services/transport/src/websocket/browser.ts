/**
 * Dials a WebSocket server from a browser, over its own WebSocket. No module that this one imports needs Node.
 *
 * The browser checks the server's certificate against its own roots; a page cannot bring one along. The server must
 * allow the page's origin. See browser-socket.ts for what is weaker than in Node.
 */
import { QpqError } from "quicproquo-proto";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { Connection } from "../port.ts";
import { BrowserSocket } from "./browser-socket.ts";
import { WebSocketConnection } from "./connection.ts";
import { subprotocol, upgradePath } from "./upgrade.ts";
import { resolveWebSocketLimits, type WebSocketLimits } from "./websocket-limits.ts";

export type BrowserDialOptions = {
  /** A name that the server's certificate carries. */
  readonly host: string;
  readonly port: number;
  readonly limits?: Partial<WebSocketLimits>;
  /** Told of what a callback threw. Default: the page's error event. */
  readonly onFault?: OnFault;
  readonly signal?: AbortSignal;
};

/**
 * Resolves when the WebSocket is open; the first callback comes at least one turn later. Rejects with
 * E040_CONNECT_FAILED: aborted, no answer in time, or something that browsers don't tell a page apart.
 */
export function dialWebSocket(options: BrowserDialOptions): Promise<Connection> {
  const { host, port, signal } = options;
  const limits = resolveWebSocketLimits(options.limits);
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  if (signal?.aborted === true) return Promise.reject(failed("the dial was aborted", signal.reason));
  const bracketed = host.includes(":") ? `[${host}]` : host;
  const socket = new WebSocket(`wss://${bracketed}:${port}${upgradePath}`, [subprotocol]);
  socket.binaryType = "arraybuffer";
  const giveUp = (text: string, cause?: unknown): void => {
    reject(failed(text, cause));
    socket.close();
  };
  const onAbort = (): void => giveUp("the dial was aborted", signal?.reason);
  const onError = (): void => {
    giveUp("nothing answers there, the certificate is not trusted, or the server refuses this page's origin");
  };
  const deadline = setTimeout(() => giveUp("no answer in time"), limits.handshakeMsMax);
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.addEventListener("error", onError, { once: true });
  socket.addEventListener(
    "open",
    () => {
      const info = {
        protocol: "websocket",
        quicVersion: undefined,
        tlsVersion: undefined,
        cipher: undefined,
        alpn: undefined,
        peerHost: host,
        peerPort: port,
        resumed: false,
      } as const;
      const onFault = faultReporter(options.onFault);
      const rttMs = (): number => 0;
      const connection = new WebSocketConnection({
        socket: new BrowserSocket(socket),
        role: "client",
        info,
        limits,
        rttMs,
        onFault,
      });
      resolve(connection);
    },
    { once: true },
  );
  return promise.finally(() => {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", onAbort);
    socket.removeEventListener("error", onError);
  });
}

function failed(text: string, cause?: unknown): QpqError {
  return new QpqError("E040_CONNECT_FAILED", { text, cause });
}
