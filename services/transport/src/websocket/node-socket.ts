/**
 * An open WebSocket of `ws` as a MessageSocket: what Node adds is reading that can be held back, pings, and the idle
 * time.
 *
 * A peer is alive as long as anything of it is read. A client pings after keepAliveMs of silence. A server pings later,
 * half-way to its idle time: only browsers, which cannot ping, let it come to that. While nothing is read because the
 * reader pauses, no sign of life can come: then the peer must take what waits for it, if anything does; if nothing does it
 * counts as alive, is pinged so that it hears us, and TCP finds out if it is gone.
 */
import { QpqError } from "quicproquo-proto";
import type { WebSocket } from "ws";
import type { MessageSocket, SocketEnd, SocketEvents } from "./message-socket.ts";
import type { WebSocketLimits } from "./websocket-limits.ts";

export type NodeSocketOptions = {
  readonly socket: WebSocket;
  readonly role: "client" | "server";
  readonly limits: WebSocketLimits;
};

export class NodeSocket implements MessageSocket {
  events: SocketEvents | undefined;

  readonly #socket: WebSocket;
  readonly #idleMs: number;
  /** Silence after which we ping; Infinity = never. */
  readonly #pingAfterMs: number;
  readonly #onSent = (error?: Error | null): void => this.#wasSent(error);
  #timer: NodeJS.Timeout | undefined;
  /** The last sign of life. */
  #aliveAtMs = performance.now();
  /** Undefined = the last ping was answered, or followed by something else. */
  #pingedAtMs: number | undefined;
  #rttMs = 0;
  #ended = false;

  constructor(options: NodeSocketOptions) {
    const { idleMs, keepAliveMs } = options.limits;
    this.#socket = options.socket;
    this.#idleMs = idleMs;
    const pingAfterMs = options.role === "client" ? keepAliveMs : (keepAliveMs + idleMs) / 2;
    this.#pingAfterMs = keepAliveMs === 0 ? Number.POSITIVE_INFINITY : pingAfterMs;
    this.#listen();
    this.#arm();
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Of the last ping; 0 before it was answered. */
  get rttMs(): number {
    return this.#rttMs;
  }

  send(message: Uint8Array): void {
    this.#socket.send(message, this.#onSent);
  }

  close(code: number, reason: string): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket.close(code, reason);
    this.#socket.resume(); // for the peer's Close frame
  }

  holdBack(): void {
    if (!this.#socket.isPaused) this.#socket.pause();
  }

  readOn(): void {
    if (!this.#socket.isPaused) return;
    this.#aliveAtMs = performance.now();
    this.#socket.resume();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("message", (message: Buffer, isBinary) => {
      this.#heard();
      this.events?.message(isBinary ? message : undefined);
    });
    socket.on("ping", () => this.#heard());
    socket.on("pong", () => {
      if (this.#pingedAtMs !== undefined) this.#rttMs = performance.now() - this.#pingedAtMs;
      this.#heard();
    });
    // Only what the peer sent against RFC 6455 or over a limit; a lost TCP connection is told by "close" alone.
    socket.on("error", (cause) => this.#end(failed("the peer broke the protocol", { byPeer: false, cause })));
    socket.on("close", (code, reason) => {
      if (code === noCloseFrame) this.#end(failed("the connection was lost", { byPeer: true }));
      else this.#end({ kind: "closed", code, reason: reason.toString("latin1") });
    });
  }

  #heard(): void {
    this.#aliveAtMs = performance.now();
    this.#pingedAtMs = undefined;
  }

  #wasSent(error: Error | null | undefined): void {
    if (error instanceof Error) return;
    if (this.#socket.isPaused) this.#aliveAtMs = performance.now(); // else it would only mean that the kernel has room
    this.events?.sent();
  }

  #arm(): void {
    const nowMs = performance.now();
    const idleAtMs = this.#aliveAtMs + this.#idleMs;
    const pingAtMs = this.#pingedAtMs === undefined ? this.#aliveAtMs + this.#pingAfterMs : idleAtMs;
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.min(idleAtMs, pingAtMs) - nowMs));
  }

  #look(): void {
    const nowMs = performance.now();
    if (this.#socket.isPaused && this.waitingBytes === 0) {
      this.#aliveAtMs = nowMs;
      this.#socket.ping();
    } else if (nowMs - this.#aliveAtMs >= this.#idleMs) {
      // A process that was busy finds its timers due before it reads what has come meanwhile: so that is read first.
      setImmediate(() => this.#lookAgain());
      return;
    } else if (this.#pingedAtMs === undefined && nowMs - this.#aliveAtMs >= this.#pingAfterMs) {
      this.#pingedAtMs = nowMs;
      this.#socket.ping();
    }
    this.#arm();
  }

  #lookAgain(): void {
    // Else the peer's Close frame came, and what is left of the close has a time of its own.
    if (this.#ended || this.#socket.readyState !== this.#socket.OPEN) return;
    if (performance.now() - this.#aliveAtMs < this.#idleMs) {
      this.#arm();
      return;
    }
    this.#end(failed("idle timeout", { byPeer: false }));
    this.#socket.terminate();
  }

  #end(end: SocketEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.events?.ended(end);
  }
}

/** RFC 6455 section 7.1.5. */
const noCloseFrame = 1_006;

function failed(text: string, of: { readonly byPeer: boolean; readonly cause?: unknown }): SocketEnd {
  return { kind: "failed", byPeer: of.byPeer, error: new QpqError("E042_CONNECTION_LOST", { text, cause: of.cause }) };
}
