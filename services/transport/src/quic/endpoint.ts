/**
 * A UDP socket and the connections that have something to do.
 *
 * Datagrams are handed on as they come; connections that were touched are serviced together, once an event-loop turn,
 * so a burst of datagrams costs one pass. Knows nothing of who a datagram belongs to: the acceptor and dial do.
 */
import dgram from "node:dgram";
import { isIPv6 } from "node:net";
import type { HostPort } from "./native.ts";
import { PacketPool } from "./packet-pool.ts";

/** What the endpoint does for a marked connection once a turn. */
export interface Serviced {
  service(): void;
}

export type EndpointOptions = {
  /** Numeric. */
  readonly host: string;
  readonly port: number;
  readonly socketBufferBytes: number;
  /** Set = the kernel drops datagrams from anyone else and tells when nobody listens there. */
  readonly connectTo: HostPort | undefined;
  /** Share the port with other sockets that do (SO_REUSEPORT). Default false: it must be free. Not on every system. */
  readonly reusePort?: boolean;
};

const pool = new PacketPool();

export class Endpoint {
  readonly #socket: dgram.Socket;
  readonly #connected: boolean;
  readonly #flush = (): void => this.#onFlush();
  readonly #flushLate = (): void => this.#onLate();
  #marked: Serviced[] = [];
  #flushScheduled = false;
  #late: Serviced[] = [];
  #closed = false;
  datagramsIn = 0;
  datagramsOut = 0;
  onDatagram: (datagram: Buffer, from: HostPort) => void = () => {};
  onError: (error: Error) => void = () => {};
  /** Only of a connected socket: the kernel did not take a datagram. To QUIC it is a lost packet. */
  onSendFailure: (error: Error) => void = () => {};
  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.onSendFailure(error);
  };

  private constructor(socket: dgram.Socket, connected: boolean) {
    this.#socket = socket;
    this.#connected = connected;
    socket.on("message", (datagram, from) => {
      this.datagramsIn += 1;
      this.onDatagram(datagram, { host: from.address, port: from.port });
    });
    socket.on("error", (error) => this.onError(error));
  }

  /** Rejects with the socket's own error, e.g. EADDRINUSE. */
  static async open(options: EndpointOptions): Promise<Endpoint> {
    const family = isIPv6(options.host) ? 6 : 4;
    const socket = dgram.createSocket({
      type: `udp${family}`,
      reusePort: options.reusePort ?? false,
      // Addresses are numeric here; Node's own lookup would put every send off to the next tick.
      lookup: (hostname, _options, callback) => callback(null, hostname, family),
    });
    try {
      await until(socket, "listening", () =>
        socket.bind({ port: options.port, address: options.host, exclusive: true }),
      );
      socket.setRecvBufferSize(options.socketBufferBytes);
      socket.setSendBufferSize(options.socketBufferBytes);
      const to = options.connectTo;
      if (to !== undefined) await until(socket, "connect", () => socket.connect(to.port, to.host));
    } catch (error) {
      socket.close();
      throw error;
    }
    return new Endpoint(socket, options.connectTo !== undefined);
  }

  get local(): HostPort {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** Services the connection at the end of this turn. The caller marks it only once until then. */
  mark(connection: Serviced): void {
    this.#marked.push(connection);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(this.#flush);
  }

  /** Services the connection once more in this turn, when all that its callbacks have caused is done: promises too. */
  markLate(connection: Serviced): void {
    this.#late.push(connection);
    // A tick that a microtask asks for comes when there are no more microtasks.
    if (this.#late.length === 1) queueMicrotask(() => process.nextTick(this.#flushLate));
  }

  /** A buffer for one packet; {@link sendPacket} sends it. */
  packetBuffer(): Buffer {
    return pool.next();
  }

  /** Sends the first `length` bytes of the buffer that packetBuffer gave last. */
  sendPacket(length: number, to: HostPort): void {
    const offset = pool.take(length);
    this.#send(pool.slab, { offset, length, to });
  }

  sendDatagram(datagram: Buffer, to: HostPort): void {
    this.#send(datagram, { offset: 0, length: datagram.length, to });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  // Without a callback a failed send is silent: to QUIC it is a lost packet. What waits in libuv is in flight for
  // congestion control, so it is bounded by the windows.
  #send(bytes: Buffer, part: { readonly offset: number; readonly length: number; readonly to: HostPort }): void {
    if (this.#closed) return;
    this.datagramsOut += 1;
    if (this.#connected) this.#socket.send(bytes, part.offset, part.length, this.#sent);
    else this.#socket.send(bytes, part.offset, part.length, part.to.port, part.to.host);
  }

  #onFlush(): void {
    this.#flushScheduled = false;
    const marked = this.#marked;
    this.#marked = [];
    for (const connection of marked) connection.service();
  }

  #onLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const connection of late) connection.service();
  }
}

function until(socket: dgram.Socket, event: "listening" | "connect", start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const succeed = (): void => {
      socket.off("error", fail);
      resolve();
    };
    const fail = (error: Error): void => {
      socket.off(event, succeed);
      reject(error);
    };
    socket.once(event, succeed);
    socket.once("error", fail);
    start();
  });
}
