/**
 * A TCP relay on 127.0.0.1 that can be cut, lose the answers of the connections it has, as a firewall that forgot them does,
 * or change them.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** undefined: it is lost. */
type Spoil = (answer: Buffer) => Buffer | undefined;

export class FaultyRelay implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #generation = 0;
  #spoil: Spoil = (answer) => answer;
  #isCut = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  /** `port`: of who answers. */
  static async start(port: number): Promise<FaultyRelay> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = new FaultyRelay(server);
    server.on("connection", (client) => {
      if (relay.#isCut) client.destroy();
      else relay.#relay(client, connect(port, "127.0.0.1"));
    });
    return relay;
  }

  /** Ends the connections, and every new one at once, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** What is answered on the connections of now; further connections are well. */
  spoilAnswers(spoil: Spoil): void {
    this.#generation++;
    this.#spoil = spoil;
  }

  /** What is answered on the connections of now never arrives. */
  swallowAnswers(): void {
    this.spoilAnswers(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #relay(client: Socket, server: Socket): void {
    const generation = this.#generation;
    client.on("data", (chunk) => server.write(chunk));
    server.on("data", (chunk: Buffer) => {
      const answer = generation === this.#generation ? chunk : this.#spoil(chunk);
      if (answer !== undefined) client.write(answer);
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
