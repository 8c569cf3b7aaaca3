/**
 * A network in memory behind the transport port: for tests, for simulation under a virtual clock, and for a client and
 * a server in one process. It loses nothing and knows no certificates.
 */
import { QpqError } from "quicproquo-proto";
import { faultReporter, type OnFault } from "../fault-report.ts";
import type { CloseCode, Connection, Listener, OnConnection } from "../port.ts";
import { MemoryConnection, type Schedule } from "./connection.ts";
import { type MemoryLimits, resolveMemoryLimits } from "./frame.ts";

export type MemoryNetworkOptions = {
  /**
   * Runs a task later; default setImmediate. A virtual clock must let promises settle between two tasks: what awaits a
   * dial sets its callbacks then.
   */
  readonly schedule?: Schedule;
  readonly limits?: Partial<MemoryLimits>;
  /** Told of what a callback threw. Default: a process warning. */
  readonly onFault?: OnFault;
};

export type MemoryListenOptions = {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly alpn: readonly string[];
  readonly onConnection: OnConnection;
};

export type MemoryDialOptions = { readonly host: string; readonly port: number; readonly alpn: readonly string[] };

export interface MemoryNetwork {
  /** Throws E047_PORT_IN_USE. */
  listen(options: MemoryListenOptions): Listener;
  /** Rejects with E040_CONNECT_FAILED; the texts are those of QUIC. */
  dial(options: MemoryDialOptions): Promise<Connection>;
}

export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Network(options);
}

const firstFreePort = 49_152;

class Network implements MemoryNetwork {
  readonly #schedule: Schedule;
  readonly #limits: MemoryLimits;
  readonly #onFault: OnFault;
  readonly #listeners = new Map<string, MemoryListener>();
  #nextPort = firstFreePort;

  constructor(options: MemoryNetworkOptions) {
    this.#schedule = options.schedule ?? setImmediate;
    this.#limits = resolveMemoryLimits(options.limits);
    this.#onFault = faultReporter(options.onFault);
  }

  listen(options: MemoryListenOptions): Listener {
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    const key = `${options.host}|${port}`;
    if (this.#listeners.has(key)) throw new QpqError("E047_PORT_IN_USE", { fields: { port } });
    const listener = new MemoryListener({ ...options, port }, this.#limits.connectionsMax, () =>
      this.#listeners.delete(key),
    );
    this.#listeners.set(key, listener);
    return listener;
  }

  dial(options: MemoryDialOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.#schedule(() => {
        try {
          resolve(this.#connect(options));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #connect(options: MemoryDialOptions): Connection {
    const listener = this.#listeners.get(`${options.host}|${options.port}`);
    if (listener === undefined) throw failed("nothing listens at this address");
    const alpn = options.alpn.find((offered) => listener.alpn.includes(offered));
    if (alpn === undefined) throw failed("the server does not speak this protocol (ALPN)");
    if (!listener.takesMore) throw failed("the server takes no new connections");
    const shared = { alpn, limits: this.#limits, schedule: this.#schedule, onFault: this.#onFault };
    const client = new MemoryConnection({
      ...shared,
      role: "client",
      peerHost: listener.host,
      peerPort: listener.port,
      onGone: () => {},
    });
    const server = new MemoryConnection({
      ...shared,
      role: "server",
      peerHost: options.host,
      peerPort: this.#nextPort++,
      onGone: (connection) => listener.forget(connection),
    });
    MemoryConnection.join(client, server);
    listener.accept(server);
    return client;
  }
}

class MemoryListener implements Listener {
  readonly host: string;
  readonly port: number;
  readonly alpn: readonly string[];
  readonly #onConnection: OnConnection;
  readonly #connectionsMax: number;
  readonly #free: () => void;
  readonly #connections = new Set<MemoryConnection>();
  #refusing = false;
  #accepted = 0;
  #refused = 0;
  #allGone: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MemoryListenOptions, connectionsMax: number, free: () => void) {
    this.host = options.host;
    this.port = options.port;
    this.alpn = options.alpn;
    this.#onConnection = options.onConnection;
    this.#connectionsMax = connectionsMax;
    this.#free = free;
  }

  /** Counts the refusal when it answers false. */
  get takesMore(): boolean {
    const takes = !this.#refusing && this.#connections.size < this.#connectionsMax;
    if (!takes) this.#refused += 1;
    return takes;
  }

  accept(connection: MemoryConnection): void {
    this.#accepted += 1;
    this.#connections.add(connection);
    try {
      this.#onConnection(connection);
    } catch (error) {
      connection.fault(error);
    }
  }

  forget(connection: MemoryConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#allGone?.();
  }

  stats(): Readonly<Record<string, number>> {
    return { connections: this.#connections.size, handshakes: this.#accepted, refused: this.#refused };
  }

  refuseNew(): void {
    this.#refusing = true;
  }

  close(code: CloseCode, reason: string): Promise<void> {
    this.#closing ??= this.#closeAll(code, reason);
    return this.#closing;
  }

  async #closeAll(code: CloseCode, reason: string): Promise<void> {
    this.#refusing = true;
    for (const connection of this.#connections) connection.close(code, reason);
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#allGone = resolve;
      });
    }
    this.#free();
  }
}

function failed(text: string): QpqError {
  return new QpqError("E040_CONNECT_FAILED", { text });
}
