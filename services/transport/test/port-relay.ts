/**
 * A UDP relay that shows the server each port of a client as a port of its own, so that a client which moves to another
 * socket comes from another address there too; and that can make the paths it has dead, as a network does that is gone.
 */
import dgram from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { randomOf } from "../testing/index.ts";

export type PortRelayOptions = {
  readonly seed?: number;
  readonly lossPercent?: number;
  /** Sees each datagram of the client before chance does. */
  readonly onToServer?: (datagram: Buffer) => void;
  readonly onToClient?: (datagram: Buffer) => void;
};

type Path = { readonly back: dgram.Socket; dead: boolean };

export class PortRelay {
  /** True = a client port that is new here has no path. */
  isClosedToNew = false;
  lost = 0;
  readonly #front: dgram.Socket;
  readonly #server: { readonly port: number };
  readonly #options: PortRelayOptions;
  readonly #random: () => number;
  readonly #paths = new Map<number, Path>();

  private constructor(front: dgram.Socket, server: { readonly port: number }, options: PortRelayOptions) {
    this.#front = front;
    this.#server = server;
    this.#options = options;
    this.#random = randomOf(options.seed ?? 0);
    front.on("message", (datagram, from) => this.#onClient(datagram, from.port));
  }

  static async open(
    test: TestContext,
    server: { readonly port: number },
    options: PortRelayOptions = {},
  ): Promise<PortRelay> {
    const front = dgram.createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    front.bind(0, "127.0.0.1");
    await once(front, "listening");
    const relay = new PortRelay(front, server, options);
    test.after(() => {
      front.close();
      for (const { back } of relay.#paths.values()) back.close();
    });
    return relay;
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** Ports that the client has come from. */
  get clientPorts(): number {
    return this.#paths.size;
  }

  /** From now on nothing passes on the paths there are. */
  killPaths(): void {
    for (const path of this.#paths.values()) path.dead = true;
  }

  revivePaths(): void {
    for (const path of this.#paths.values()) path.dead = false;
  }

  #onClient(datagram: Buffer, port: number): void {
    const path = this.#paths.get(port) ?? this.#openPath(port);
    if (path.dead || this.#loses()) return;
    this.#options.onToServer?.(datagram);
    path.back.send(datagram, this.#server.port, "127.0.0.1");
  }

  #openPath(port: number): Path {
    const back = dgram.createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    const path: Path = { back, dead: this.isClosedToNew };
    back.on("message", (datagram) => {
      if (path.dead || this.#loses()) return;
      this.#options.onToClient?.(datagram);
      this.#front.send(datagram, port, "127.0.0.1");
    });
    this.#paths.set(port, path);
    return path;
  }

  #loses(): boolean {
    if (this.#random() * 100 >= (this.#options.lossPercent ?? 0)) return false;
    this.lost += 1;
    return true;
  }
}
