/** Listens for WebSockets over TLS 1.3: an HTTPS server that does nothing but upgrade at one path. */
import { lookup } from "node:dns/promises";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type TlsOptions, TLSSocket } from "node:tls";
import { QpqError } from "quicproquo-proto";
import { type WebSocket, WebSocketServer } from "ws";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { CloseCode, Listener, OnConnection } from "../port.ts";
import { type Certificate, type CertificatePair, pemOf } from "../trust.ts";
import { Arrivals } from "./arrivals.ts";
import { WebSocketConnection } from "./connection.ts";
import { Gate } from "./gate.ts";
import { infoOf } from "./info.ts";
import { NodeSocket } from "./node-socket.ts";
import { httpAlpn, type Refusal, refusals, subprotocol, wsOptions } from "./upgrade.ts";
import { resolveWebSocketLimits, type WebSocketLimits } from "./websocket-limits.ts";

export type WebSocketListenOptions = {
  /** Numeric, or a name of this machine. */
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** PEM, or DER bytes: the ones that QUIC uses. Chain: leaf first. */
  readonly certificate: Certificate;
  /** PKCS #8 in PEM, or DER bytes. */
  readonly privateKey: Certificate;
  /** Whose pages may connect, e.g. "https://chat.example". Default: none; programs that are no browsers always may. */
  readonly allowedOrigins?: readonly string[];
  readonly limits?: Partial<WebSocketLimits>;
  /** 48 bytes that all front-ends share, so that any of them resumes a session; see setTicketKey. Default: random. */
  readonly ticketKey?: Uint8Array;
  /** Let other processes listen on the same port; the kernel spreads the connections. */
  readonly reusePort?: boolean;
  readonly onConnection: OnConnection;
  /** Told of what a callback threw. Default: a process warning. */
  readonly onFault?: OnFault;
};

export interface WebSocketListener extends Listener {
  /**
   * Replaces the key (48 bytes) that TLS sessions are sealed with; E046_CONFIG for another length. Who comes with a
   * session of the one before makes a full handshake.
   */
  setTicketKey(key: Uint8Array): void;
  /** As QuicListener's. */
  setCertificate(pair: CertificatePair): void;
}

/** Rejects with E047_PORT_IN_USE, or E046_CONFIG for anything that cannot be used. */
export async function listenWebSocket(options: WebSocketListenOptions): Promise<WebSocketListener> {
  const limits = resolveWebSocketLimits(options.limits);
  const listener = new HttpsListener(createHttpsServer(options, limits), options, limits);
  await listener.listen();
  return listener;
}

/**
 * - handshakes, handshakesFailed: WebSockets opened, and TCP connections that ended, or met their deadline, before
 * - refused: not taken for refuseNew; refusedOrigin: the page's origin; refusedRequest: another path, protocol, or no HTTP
 * - droppedLimit: over a cap of connections
 */
type Counts = Record<
  "handshakes" | "handshakesFailed" | "refused" | "refusedOrigin" | "refusedRequest" | "droppedLimit",
  number
>;

class HttpsListener implements WebSocketListener {
  host = "";
  port = 0;
  readonly #options: WebSocketListenOptions;
  readonly #limits: WebSocketLimits;
  readonly #server: Server;
  readonly #upgrader: WebSocketServer;
  readonly #gate: Gate;
  readonly #arrivals: Arrivals;
  readonly #connections = new Set<WebSocketConnection>();
  readonly #onFault: OnFault;
  readonly #counts: Counts = {
    handshakes: 0,
    handshakesFailed: 0,
    refused: 0,
    refusedOrigin: 0,
    refusedRequest: 0,
    droppedLimit: 0,
  };
  #ticketKey: Uint8Array | undefined;
  #refusing = false;
  #closing: Promise<void> | undefined;

  constructor(server: Server, options: WebSocketListenOptions, limits: WebSocketLimits) {
    this.#server = server;
    this.#options = options;
    this.#ticketKey = options.ticketKey;
    this.#limits = limits;
    this.#gate = new Gate(options.allowedOrigins ?? []);
    this.#onFault = faultReporter(options.onFault);
    this.#arrivals = new Arrivals(limits, () => {
      this.#counts.handshakesFailed += 1;
    });
    this.#upgrader = new WebSocketServer({
      ...wsOptions(limits),
      noServer: true,
      clientTracking: false,
      handleProtocols: () => subprotocol, // the gate has seen that it is offered
    });
    // Before the server's own listener, which begins TLS.
    server.prependListener("connection", (socket: Socket) => {
      if (!this.#arrivals.admit(socket)) this.#counts.droppedLimit += 1;
    });
    server.on("request", (request, response) => this.#onRequest(request, response));
    server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (error.code?.startsWith("HPE_") === true) this.#counts.refusedRequest += 1; // the parser's; others are TCP's
      socket.destroy();
    });
  }

  async listen(): Promise<void> {
    const { port, reusePort = false } = this.#options;
    try {
      const { address } = await lookup(this.#options.host);
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen({ host: address, port, reusePort }, resolve);
      });
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      if (code === "EADDRINUSE") throw new QpqError("E047_PORT_IN_USE", { fields: { port }, cause });
      throw new QpqError("E046_CONFIG", { text: "cannot listen on this address", fields: { cause: code }, cause });
    }
    this.#server.removeAllListeners("error");
    this.#server.on("error", this.#onFault);
    ({ address: this.host, port: this.port } = this.#server.address() as AddressInfo);
  }

  stats(): Readonly<Record<string, number>> {
    return { connections: this.#arrivals.size, halfOpen: this.#arrivals.halfOpenCount, ...this.#counts };
  }

  refuseNew(): void {
    this.#refusing = true;
  }

  setTicketKey(key: Uint8Array): void {
    this.#server.setTicketKeys(ticketKeys(key));
    this.#ticketKey = key;
  }

  setCertificate(pair: CertificatePair): void {
    attempt(() => this.#server.setSecureContext(secureContext(pair, this.#ticketKey)));
  }

  close(code: CloseCode, reason: string): Promise<void> {
    this.#closing ??= this.#closeAll(code, reason);
    return this.#closing;
  }

  async #closeAll(code: CloseCode, reason: string): Promise<void> {
    this.#refusing = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.close(code, reason);
    this.#arrivals.destroyHalfOpen();
    await closed; // closeMsMax at most: then what has not answered its Close frame is cut
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#counts.refusedRequest += 1;
    const { status, text } = this.#gate.plainRefusal(request);
    const upgrade = status === refusals.method.status ? { upgrade: "websocket" } : {};
    response.writeHead(status, { connection: "close", "content-type": "text/plain", ...upgrade });
    response.end(`${text}\n`);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const refusal = this.#refusing ? refusals.noNewConnections : this.#gate.refusal(request);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    try {
      this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => this.#onOpen(webSocket, socket));
    } catch (error) {
      this.#onFault(error);
      socket.destroy();
    }
  }

  #refuse(socket: Duplex, refusal: Refusal): void {
    if (refusal === refusals.noNewConnections) this.#counts.refused += 1;
    else if (refusal === refusals.origin) this.#counts.refusedOrigin += 1;
    else this.#counts.refusedRequest += 1;
    const { status, text } = refusal;
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain`;
    socket.once("finish", () => socket.destroy());
    socket.end(`${head}\r\nContent-Length: ${text.length + 1}\r\n\r\n${text}\n`);
  }

  #onOpen(webSocket: WebSocket, socket: Duplex): void {
    if (!(socket instanceof TLSSocket)) throw new TypeError("an HTTPS server gives TLS sockets");
    this.#arrivals.opened(socket);
    this.#counts.handshakes += 1;
    const node = new NodeSocket({ socket: webSocket, role: "server", limits: this.#limits });
    const connection = new WebSocketConnection({
      socket: node,
      role: "server",
      info: infoOf(socket),
      limits: this.#limits,
      rttMs: () => node.rttMs,
      onFault: this.#onFault,
    });
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
    try {
      this.#options.onConnection(connection);
    } catch (error) {
      connection.fault(error);
    }
  }
}

function createHttpsServer(options: WebSocketListenOptions, limits: WebSocketLimits): Server {
  return attempt(() =>
    createServer({
      ...secureContext(options, options.ticketKey),
      ALPNProtocols: [httpAlpn],
      maxHeaderSize: limits.requestHeaderBytesMax,
    }),
  );
}

function secureContext({ certificate, privateKey }: CertificatePair, ticketKey: Uint8Array | undefined): TlsOptions {
  return {
    cert: pemOf(certificate, "CERTIFICATE"),
    key: pemOf(privateKey, "PRIVATE KEY"),
    minVersion: "TLSv1.3",
    ...(ticketKey === undefined ? {} : { ticketKeys: ticketKeys(ticketKey) }),
  };
}

function attempt<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof QpqError) throw cause;
    throw new QpqError("E046_CONFIG", { text: "the certificate and its private key cannot be used", cause });
  }
}

const ticketKeyBytes = 48;

function ticketKeys(key: Uint8Array): Buffer {
  if (key.length !== ticketKeyBytes) throw new QpqError("E046_CONFIG", { text: "a ticket key has 48 bytes" });
  return Buffer.from(key);
}
