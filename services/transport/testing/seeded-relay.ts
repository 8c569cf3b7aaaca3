/**
 * A UDP relay on 127.0.0.1 between one client and a server: a network that delays, loses, reorders and doubles by a
 * seed, and that does what a test tells it to: keep back, rewrite, fall silent, let the client come from another port.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type LaneCounts, type LaneFaults, SeededLane } from "./seeded-lane.ts";

type Rewrite = (datagram: Buffer) => readonly Buffer[];

export type RelayOptions = Partial<LaneFaults> & {
  readonly toServer?: Rewrite;
  readonly toClient?: Rewrite;
};

const socketBufferBytes = 4 * 1024 * 1024;
const unchanged: Rewrite = (datagram) => [datagram];

export class SeededRelay implements AsyncDisposable {
  /** Where the client's datagrams go from now on. */
  serverPort: number;
  /** True = everything is lost, in both directions. */
  isSilent = false;
  /** What goes on in the place of one datagram, before chance has its say. Default: itself. */
  toServer: Rewrite;
  toClient: Rewrite;
  readonly #front: Socket;
  #back: Socket;
  #clientPort = 0;
  readonly #toServer: SeededLane;
  readonly #toClient: SeededLane;
  /** Datagrams of the server that are kept back. */
  #held: Buffer[] | undefined;

  private constructor(sockets: readonly [Socket, Socket], serverPort: number, options: RelayOptions) {
    [this.#front, this.#back] = sockets;
    this.serverPort = serverPort;
    this.toServer = options.toServer ?? unchanged;
    this.toClient = options.toClient ?? unchanged;
    const { seed = 0 } = options;
    this.#toServer = new SeededLane({ ...options, seed }, (datagram) => {
      this.#back.send(datagram, this.serverPort, "127.0.0.1");
    });
    // the other direction has chances of its own
    this.#toClient = new SeededLane({ ...options, seed: seed + 1 }, (datagram) => {
      this.#front.send(datagram, this.#clientPort, "127.0.0.1");
    });
    this.#front.on("message", (datagram, from) => {
      this.#clientPort = from.port;
      if (this.isSilent) return;
      for (const out of this.toServer(datagram)) this.#toServer.send(out);
    });
    this.#listenBehind();
  }

  static async open(server: { readonly port: number }, options: RelayOptions = {}): Promise<SeededRelay> {
    return new SeededRelay([await bound(), await bound()], server.port, options);
  }

  get port(): number {
    return this.#front.address().port;
  }

  get counts(): { readonly toServer: Readonly<LaneCounts>; readonly toClient: Readonly<LaneCounts> } {
    return { toServer: this.#toServer.counts, toClient: this.#toClient.counts };
  }

  /** The server sees the client come from another port, as after a NAT has forgotten it. */
  async move(): Promise<void> {
    const before = this.#back;
    this.#back = await bound();
    this.#listenBehind();
    before.close();
  }

  /** Keeps back what the server sends until release(). */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const datagram of held) this.#toClient.send(datagram);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#toServer.close();
    this.#toClient.close();
    for (const socket of [this.#front, this.#back]) {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    }
  }

  #listenBehind(): void {
    this.#back.on("message", (datagram) => {
      if (this.isSilent) return;
      for (const out of this.toClient(datagram)) {
        if (this.#held === undefined) this.#toClient.send(out);
        else this.#held.push(out);
      }
    });
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: socketBufferBytes });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
