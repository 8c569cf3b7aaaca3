/** A UDP relay between clients and a server that can lose, change and inject datagrams, and move to another port. */
import dgram from "node:dgram";
import { once } from "node:events";
import type { TestContext } from "node:test";

export type RelayRules = {
  /** True = the datagram is lost. */
  readonly lose?: () => boolean;
  /** What the client gets for one datagram of the server. */
  readonly toClient?: (datagram: Buffer) => readonly Buffer[];
};

export class Relay {
  readonly port: number;
  /** Where the client's datagrams go from now on. */
  serverPort: number;
  readonly #test: TestContext;
  readonly #rules: RelayRules;
  readonly #front: dgram.Socket;
  #back: dgram.Socket;
  #clientPort = 0;
  lost = 0;
  /** Datagrams of the server that are kept back. */
  #held: Buffer[] | undefined;

  private constructor(
    test: TestContext,
    sockets: readonly [dgram.Socket, dgram.Socket],
    serverPort: number,
    rules: RelayRules,
  ) {
    this.#test = test;
    [this.#front, this.#back] = sockets;
    this.port = this.#front.address().port;
    this.serverPort = serverPort;
    this.#rules = rules;
    this.#front.on("message", (datagram, from) => {
      this.#clientPort = from.port;
      if (!this.#loses()) this.#back.send(datagram, this.serverPort, "127.0.0.1");
    });
    this.#listenBehind();
  }

  /** For one client. */
  static async open(test: TestContext, server: { readonly port: number }, rules: RelayRules = {}): Promise<Relay> {
    return new Relay(test, [await bound(test), await bound(test)], server.port, rules);
  }

  /** The server sees the client come from another port, as after a NAT has forgotten it. */
  async move(): Promise<void> {
    this.#back.removeAllListeners("message");
    this.#back = await bound(this.#test);
    this.#listenBehind();
  }

  /** Keeps back what the server sends until release(). */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    for (const datagram of this.#held ?? []) this.#front.send(datagram, this.#clientPort, "127.0.0.1");
    this.#held = undefined;
  }

  #listenBehind(): void {
    this.#back.on("message", (datagram) => {
      if (this.#loses()) return;
      if (this.#held !== undefined) {
        this.#held.push(datagram);
        return;
      }
      for (const out of this.#rules.toClient?.(datagram) ?? [datagram])
        this.#front.send(out, this.#clientPort, "127.0.0.1");
    });
  }

  #loses(): boolean {
    if (this.#rules.lose?.() !== true) return false;
    this.lost += 1;
    return true;
  }
}

async function bound(test: TestContext): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  test.after(() => socket.close());
  return socket;
}
