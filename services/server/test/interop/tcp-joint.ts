/**
 * Joins a TCP socket and a QUIC stream: what comes in at one goes out at the other, unchanged and in order, with its end,
 * its reset and its back-pressure. What goes to the socket can be held back, so that a test decides which of two
 * crossing messages arrives first.
 */
import type { Socket } from "node:net";
import { type ByteStream, closeCodes } from "quicproquo-transport";

export class TcpJoint {
  readonly #socket: Socket;
  readonly #stream: ByteStream;
  /** What waits for the socket while it is held back. */
  #held: Uint8Array[] | undefined;
  #onHeld: () => void = () => {};
  #onPassed: () => void = () => {};

  /** The socket must allow being half open. */
  constructor(socket: Socket, stream: ByteStream) {
    this.#socket = socket;
    this.#stream = stream;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => this.#toStream(chunk));
    socket.on("end", () => stream.end());
    socket.on("drain", () => stream.resume());
    socket.on("error", () => stream.reset(closeCodes.internal));
    stream.onDrain = () => socket.resume();
    stream.onEnd = () => socket.end();
    stream.onClose = (error) => {
      if (error !== undefined) socket.resetAndDestroy();
    };
    stream.onData = (chunk) => this.#toSocket(chunk);
  }

  /** Nothing reaches the socket until `letGo`. Resolves when something waits. */
  hold(): Promise<void> {
    this.#held = [];
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }

  letGo(): void {
    for (const chunk of this.#held ?? []) this.#socket.write(chunk);
    this.#held = undefined;
  }

  /** Resolves when the next bytes of the socket have been given to the stream. */
  passed(): Promise<void> {
    return new Promise((resolve) => {
      this.#onPassed = resolve;
    });
  }

  #toStream(chunk: Uint8Array): void {
    if (!this.#stream.write(chunk)) this.#socket.pause();
    this.#onPassed();
  }

  #toSocket(chunk: Uint8Array): void {
    if (this.#held !== undefined) {
      this.#held.push(chunk);
      this.#onHeld();
    } else if (!this.#socket.write(chunk)) {
      this.#stream.pause();
    }
  }
}
