/** A TCP relay on 127.0.0.1 that can lose the answers of the connections it has, as a firewall that forgot them does. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export class SwallowingNetwork implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #generation = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  static async start(port: number): Promise<SwallowingNetwork> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const network = new SwallowingNetwork(server);
    server.on("connection", (client) => network.#relay(client, connect(port, "127.0.0.1")));
    return network;
  }

  /** What is answered on the connections of now on never arrives; further connections are well. */
  swallowAnswers(): void {
    this.#generation++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #relay(client: Socket, server: Socket): void {
    const generation = this.#generation;
    client.on("data", (chunk) => server.write(chunk));
    server.on("data", (chunk) => {
      if (generation === this.#generation) client.write(chunk);
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      // its end is told by `close`
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
