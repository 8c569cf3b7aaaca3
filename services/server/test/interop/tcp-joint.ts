/**
 * Joins a TCP socket and a QUIC stream: what comes in at one goes out at the other, unchanged and in order, with its end,
 * its reset and its back-pressure. What goes to the socket can be held back, so that a test decides which of two crossing
 * messages arrives first.
 */
import type { Socket } from "node:net";
import { FrameReader, MessageReader, type StructReader } from "quicproquo-rpc/message";
import { type ByteStream, closeCodes } from "quicproquo-transport";

export class TcpJoint {
  readonly #socket: Socket;
  readonly #stream: ByteStream;
  /** What waits for the socket while it is held back. */
  #held: Uint8Array[] | undefined;
  #heldMessages: FrameReader | undefined;
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

  /**
   * Nothing reaches the socket until `letGo`; no message may be halfway. Resolves when an RPC message waits that is what
   * is awaited.
   */
  hold(isAwaited: (message: StructReader) => boolean = () => true): Promise<void> {
    this.#held = [];
    return new Promise((resolve) => {
      this.#heldMessages = new FrameReader((frame) => {
        if (isAwaited(MessageReader.parse(frame).rootStruct)) resolve();
      });
    });
  }

  letGo(): void {
    for (const chunk of this.#held ?? []) this.#socket.write(chunk);
    this.#held = undefined;
    this.#heldMessages = undefined;
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
      this.#heldMessages?.push(chunk);
    } else if (!this.#socket.write(chunk)) {
      this.#stream.pause();
    }
  }
}
