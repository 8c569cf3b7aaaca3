/**
 * A UDP relay between one client and the server that can hold back what the server sends, so that a test decides which
 * of two crossing messages arrives first. Datagrams keep their order and none is lost.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

// below the size of an acknowledgement-only packet: what is larger carries an answer
const answerBytesMin = 80;

export class DelayingRelay implements AsyncDisposable {
  readonly #front: Socket;
  readonly #back: Socket;
  #clientPort = 0;
  #held: Buffer[] | undefined;
  #onHeld: (() => void) | undefined;
  #onRequest: (() => void) | undefined;
  #requestsSinceHold = 0;

  private constructor(front: Socket, back: Socket, serverPort: number) {
    this.#front = front;
    this.#back = back;
    front.on("message", (datagram, from) => {
      this.#clientPort = from.port;
      back.send(datagram, serverPort, "127.0.0.1");
      if (this.#held === undefined || datagram.length < 60) return;
      this.#requestsSinceHold++;
      this.#onRequest?.();
    });
    back.on("message", (datagram) => {
      if (this.#held === undefined) return void front.send(datagram, this.#clientPort, "127.0.0.1");
      this.#held.push(datagram);
      if (datagram.length >= answerBytesMin) this.#onHeld?.();
    });
  }

  static async start(serverPort: number): Promise<DelayingRelay> {
    const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
    for (const socket of sockets) {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
    }
    return new DelayingRelay(...sockets, serverPort);
  }

  get port(): number {
    return this.#front.address().port;
  }

  holdAnswers(): void {
    this.#held = [];
    this.#requestsSinceHold = 0;
  }

  /** Resolves when an answer stands here. */
  answerHeld(): Promise<void> {
    if (this.#held?.some((datagram) => datagram.length >= answerBytesMin) === true) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }

  /** Resolves when the second message of the client since the hold has gone through: the request, then the cancel. */
  requestPassed(): Promise<void> {
    if (this.#requestsSinceHold >= 2) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onRequest = () => {
        if (this.#requestsSinceHold >= 2) resolve();
      };
    });
  }

  releaseAnswers(): void {
    for (const datagram of this.#held ?? []) this.#front.send(datagram, this.#clientPort, "127.0.0.1");
    this.#held = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#front, this.#back]) {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    }
  }
}
