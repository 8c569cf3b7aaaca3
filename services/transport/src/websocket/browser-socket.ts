/**
 * A browser's open WebSocket as a MessageSocket.
 *
 * What a browser's lacks: it cannot hold the peer back, so what comes while the reader pauses is held here, up to
 * heldBytesMax; it does not tell when what waits goes out, so that is looked at; it shows no pings, so there is no idle
 * time: it answers the server's, and a server that is gone shows when the browser's TCP gives up or a call meets its
 * deadline.
 */
import { QpqError } from "quicproquo-proto";
import type { MessageSocket, SocketEvents } from "./message-socket.ts";

/** 256 KiB, what may wait before a writer is told to stop, each 10 ms are 25 MB/s. */
const lookEachMs = 10;
/** RFC 6455 section 7.1.5. */
const noCloseFrame = 1_006;

export class BrowserSocket implements MessageSocket {
  events: SocketEvents | undefined;
  readonly #socket: WebSocket;
  #looks = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }: { data: unknown }) => {
      this.events?.message(data instanceof ArrayBuffer ? new Uint8Array(data) : undefined);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (code !== noCloseFrame) this.events?.ended({ kind: "closed", code, reason });
      else this.events?.ended({ kind: "failed", byPeer: true, error: new QpqError("E042_CONNECTION_LOST") });
    });
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return; // its bufferedAmount would only grow
    this.#socket.send(message as Uint8Array<ArrayBuffer>);
    if (!this.#looks) this.#lookLater();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  holdBack(): void {}

  readOn(): void {}

  #lookLater(): void {
    this.#looks = true;
    setTimeout(() => {
      this.#looks = false;
      this.events?.sent();
      if (this.waitingBytes > 0 && this.#socket.readyState === this.#socket.OPEN) this.#lookLater();
    }, lookEachMs);
  }
}
