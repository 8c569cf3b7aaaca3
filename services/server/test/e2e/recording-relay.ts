/** A UDP relay between one client and a server that keeps what the client sent, and can let only its first flight pass. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

export class RecordingRelay implements AsyncDisposable {
  /** From the client, in order. */
  readonly sent: Buffer[] = [];
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #serverPort: number;
  readonly #held: Buffer[] = [];
  #clientPort = 0;
  #answers = 0;
  #firstFlightOnly: boolean;

  private constructor(sockets: { front: Socket; back: Socket }, serverPort: number, firstFlightOnly: boolean) {
    this.#front = sockets.front;
    this.#back = sockets.back;
    this.#serverPort = serverPort;
    this.#firstFlightOnly = firstFlightOnly;
    this.#front.on("message", (datagram, from) => {
      this.#clientPort = from.port;
      if (this.#firstFlightOnly && this.#answers > 0) return void this.#held.push(datagram);
      this.sent.push(datagram);
      this.#back.send(datagram, serverPort, "127.0.0.1");
    });
    this.#back.on("message", (datagram) => {
      this.#answers++;
      this.#front.send(datagram, this.#clientPort, "127.0.0.1");
    });
  }

  /**
   * firstFlightOnly: what the client sends after the server's first datagram stays here until `release`. clientHost: where
   * the server sees it come from, an address of 127.0.0.0/8.
   */
  static async start(
    serverPort: number,
    { firstFlightOnly = false, clientHost = "127.0.0.1" } = {},
  ): Promise<RecordingRelay> {
    const [front, back] = await Promise.all([bound("127.0.0.1"), bound(clientHost)]);
    return new RecordingRelay({ front, back }, serverPort, firstFlightOnly);
  }

  get port(): number {
    return this.#front.address().port;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  release(): void {
    this.#firstFlightOnly = false;
    for (const datagram of this.#held.splice(0)) this.#back.send(datagram, this.#serverPort, "127.0.0.1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#front, this.#back]) {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    }
  }
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, host);
  await once(socket, "listening");
  return socket;
}
