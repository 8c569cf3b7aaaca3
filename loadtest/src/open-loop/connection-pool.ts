/**
 * Connections that the users of a load share, or have each for themselves. It repeats no call: what a call met is what the
 * load counts. A connection that was lost is dialled anew by the next who asks for it, once for all who wait.
 */
import { QpqError } from "quicproquo-proto";
import {
  type ConnectOptions,
  NodeClient,
  ReconnectingClient,
  type ReconnectOptions,
  type ServerAddress,
} from "quicproquo-sdk";

export type PoolOptions = {
  readonly server: ServerAddress;
  /** A secret. Empty: calls that need none. */
  readonly accessToken: Uint8Array;
  /** How many; user n has the one of n modulo this. 0: of whom asks all the same there is one. */
  readonly connections: number;
};

/** So many handshakes at once at the beginning: a storm of them is a scenario of its own. */
const dialsAtOnceMax = 16;

export type Bytes = { readonly in: number; readonly out: number };

export class ConnectionPool implements Disposable {
  readonly server: ServerAddress;
  readonly accessToken: Uint8Array;
  readonly size: number;
  readonly #slots: (NodeClient | undefined)[];
  readonly #dials = new Map<number, Promise<NodeClient>>();
  /** Dialled and not closed yet; what they carried counts when they are. */
  readonly #live = new Set<NodeClient>();
  #closedBytes: Bytes = { in: 0, out: 0 };
  #isClosed = false;

  private constructor({ server, accessToken, connections }: PoolOptions) {
    this.server = server;
    this.accessToken = accessToken;
    this.size = connections;
    this.#slots = Array.from({ length: connections }, () => undefined);
  }

  /** Resolves when all are connected. E040_CONNECT_FAILED, E041_CERTIFICATE. */
  static async open(options: PoolOptions): Promise<ConnectionPool> {
    const pool = new ConnectionPool(options);
    try {
      await inTurns(options.connections, (user) => pool.of(user));
      return pool;
    } catch (error) {
      pool.close();
      throw error;
    }
  }

  /** From now on nobody gets a connection. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The user's connection, which is open; a promise only when it has to be dialled. */
  of(user: number): NodeClient | Promise<NodeClient> {
    const slot = user % Math.max(1, this.size);
    const client = this.#slots[slot];
    if (client?.open === true) return client;
    const underWay = this.#dials.get(slot);
    if (underWay !== undefined) return underWay;
    if (client !== undefined) this.release(client);
    const dial = this.dial()
      .then((dialled) => {
        this.#slots[slot] = dialled;
        return dialled;
      })
      .finally(() => this.#dials.delete(slot));
    this.#dials.set(slot, dial);
    return dial;
  }

  /** One that belongs to the caller, who gives it back by `release`. */
  async dial(options?: ConnectOptions): Promise<NodeClient> {
    if (this.#isClosed) throw new QpqError("E042_CONNECTION_LOST", { text: "the pool was closed" });
    const client = await NodeClient.connect(this.server, options);
    this.#live.add(client);
    if (this.#isClosed) this.release(client);
    return client;
  }

  /** One that repeats calls and reconnects, as applications have it. It belongs to the caller. */
  reconnecting(options: Omit<ReconnectOptions, "server"> = {}): ReconnectingClient {
    return new ReconnectingClient({ ...options, server: this.server, onConnect: (client) => this.#live.add(client) });
  }

  release(client: NodeClient): void {
    if (!this.#live.delete(client)) return;
    this.#closedBytes = sumOf(this.#closedBytes, bytesOf(client));
    client.close();
  }

  /** Of all its connections since they began, as they went over the wire: with headers, acknowledgements and handshakes. */
  bytes(): Bytes {
    let sum = this.#closedBytes;
    for (const client of this.#live) sum = sumOf(sum, bytesOf(client));
    return sum;
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#live) this.release(client);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** In order, some at once. */
export async function inTurns(count: number, make: (i: number) => unknown): Promise<void> {
  for (let from = 0; from < count; from += dialsAtOnceMax) {
    const some = Math.min(dialsAtOnceMax, count - from);
    await Promise.all(Array.from({ length: some }, (_, i) => make(from + i)));
  }
}

function bytesOf(client: NodeClient): Bytes {
  const { bytesIn, bytesOut } = client.stats();
  return { in: bytesIn, out: bytesOut };
}

function sumOf(a: Bytes, b: Bytes): Bytes {
  return { in: a.in + b.in, out: a.out + b.out };
}
