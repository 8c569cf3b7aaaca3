/** A TCP socket as a byte stream: for tests and benches against peers in other processes. */
import type { Socket } from "node:net";
import type { RpcByteStream } from "../src/byte-stream.ts";

export class SocketStream implements RpcByteStream {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: Error | undefined) => void) | undefined;
  readonly #socket: Socket;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => this.onData?.(chunk));
    socket.on("end", () => this.onEnd?.());
    socket.on("drain", () => this.onDrain?.());
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", () => this.onClose?.(this.#error));
  }

  write(chunk: Uint8Array): boolean {
    return !this.#socket.writable || this.#socket.write(chunk);
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}
