/**
 * One WebSocket behind the transport port: one connection that carries one bidirectional stream, id 0, which the client
 * opens. Runs in Node and in a browser.
 *
 * On the wire (docs/wire.md): binary messages are the stream's bytes; an empty one is FIN; a Close frame with status
 * 4000 + code closes the connection and one with 4500 + code resets the stream, which a WebSocket can only do by ending.
 * Text messages, bytes behind FIN and bytes that the server sends first are answered with protocolViolation.
 *
 * A second openStream, and any of the server's, throws E021_OVERLOADED: an RPC session needs one stream, and another
 * WebSocket gives another. What is weaker than over QUIC: reasons of more than 123 characters are cut; a reader that
 * pauses for longer than a window also holds back the peer's Close frame; see browser.ts for what a browser lacks.
 */
import { QpqError } from "quicproquo-proto";
import { closedByPeer, closedHere, printable } from "../closed.ts";
import type { OnFault } from "../fault-report.ts";
import {
  type ByteStream,
  type CloseCode,
  closeCodes,
  type Connection,
  type ConnectionClosed,
  type ConnectionInfo,
  type ConnectionStats,
} from "../port.ts";
import { closedStatus, readStatus, reasonBytesMax, resetStatus } from "./close-frame.ts";
import type { MessageSocket, SocketEnd, SocketEvents } from "./message-socket.ts";
import { SoleStream, type StreamHost } from "./stream.ts";
import type { WebSocketLimits } from "./websocket-limits.ts";

export type WebSocketConnectionOptions = {
  readonly socket: MessageSocket;
  readonly role: "client" | "server";
  readonly info: ConnectionInfo;
  readonly limits: WebSocketLimits;
  readonly rttMs: () => number;
  readonly onFault: OnFault;
};

/**
 *     dialled --a turn later--> open --close(), reset(), the peer's Close frame, failure--> ended
 *
 * - dialled (client): whoever awaits the dial has not had a turn to set callbacks: an end waits.
 * - open, with an Ending: nothing is read or written any more; the callbacks come in a turn of their own, unless it was
 *   the peer's doing: then at once.
 * - ended: onClose of the stream and then of the connection have been called.
 */
type Phase = "dialled" | "open" | "ended";

type Ending = { readonly closed: ConnectionClosed; readonly streamError: QpqError };

export class WebSocketConnection implements Connection, StreamHost, SocketEvents {
  readonly info: ConnectionInfo;
  readonly peer: Connection["peer"];
  readonly inEarlyData = false;
  readonly socket: MessageSocket;
  readonly limits: WebSocketLimits;
  onStream: ((stream: ByteStream) => void) | undefined;
  onClose: ((closed: ConnectionClosed) => void) | undefined;

  readonly #options: WebSocketConnectionOptions;
  #phase: Phase;
  #ending: Ending | undefined;
  #stream: SoleStream | undefined;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(options: WebSocketConnectionOptions) {
    this.#options = options;
    this.info = options.info;
    this.peer = { host: options.info.peerHost, port: options.info.peerPort };
    this.socket = options.socket;
    this.limits = options.limits;
    this.#phase = options.role === "client" ? "dialled" : "open";
    options.socket.events = this;
    if (this.#phase === "dialled") this.later(() => this.#open());
  }

  get isOpen(): boolean {
    return this.#ending === undefined;
  }

  stats(): ConnectionStats {
    const rttMs = this.#options.rttMs();
    return { datagramsIn: 0, datagramsOut: 0, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, lost: 0, rttMs };
  }

  openStream(): ByteStream {
    if (!this.isOpen) throw new QpqError("E042_CONNECTION_LOST");
    if (this.#options.role === "server" || this.#stream !== undefined) {
      throw new QpqError("E021_OVERLOADED", { text: "a WebSocket carries one stream, which the client opens" });
    }
    this.#stream = new SoleStream(this);
    return this.#stream;
  }

  close(code: CloseCode, reason: string): void {
    if (!this.isOpen) return;
    const closed = closedHere(code, printable(reason));
    this.#leave(closedStatus(code), { closed, streamError: closed.error ?? new QpqError("E042_CONNECTION_LOST") });
  }

  reset(code: number, error: QpqError): void {
    if (!this.isOpen) return;
    this.#leave(resetStatus(code), { closed: closedHere(code, "the stream was reset"), streamError: error });
  }

  countOut(bytes: number): void {
    this.#bytesOut += bytes;
  }

  later(task: () => void): void {
    if (typeof setImmediate === "function") setImmediate(task);
    else setTimeout(task, 0); // in a browser
  }

  fault(error: unknown): void {
    this.#options.onFault(error);
    this.close(closeCodes.internal, "internal error");
  }

  message(bytes: Uint8Array | undefined): void {
    if (!this.isOpen) return;
    if (bytes === undefined) {
      this.close(closeCodes.protocolViolation, "text messages mean nothing here");
      return;
    }
    this.#bytesIn += bytes.length;
    const stream = this.#stream ?? this.#meet();
    if (stream?.receive(bytes) === false) {
      this.close(closeCodes.protocolViolation, "bytes behind the end of the stream");
    }
  }

  sent(): void {
    this.#stream?.sent();
  }

  ended(end: SocketEnd): void {
    if (!this.isOpen) return; // told already, or about to be
    this.#ending = endingOf(end);
    if (this.#phase === "open") this.#finish();
  }

  #open(): void {
    this.#phase = "open";
    if (this.#ending !== undefined) this.#finish();
  }

  /** The client's first message brings the stream; undefined when there can be none. */
  #meet(): SoleStream | undefined {
    if (this.#options.role === "client") {
      this.close(closeCodes.protocolViolation, "the client opens the stream");
      return undefined;
    }
    const stream = new SoleStream(this);
    this.#stream = stream;
    if (this.onStream === undefined) {
      stream.reset(closeCodes.protocolViolation);
      return undefined;
    }
    try {
      this.onStream(stream);
    } catch (error) {
      this.fault(error);
    }
    return this.isOpen ? stream : undefined;
  }

  #leave(status: number, ending: Ending): void {
    this.#ending = ending;
    this.socket.close(status, ending.closed.reason.slice(0, reasonBytesMax));
    if (this.#phase === "open") this.later(() => this.#finish());
  }

  #finish(): void {
    if (this.#phase === "ended" || this.#ending === undefined) return;
    this.#phase = "ended";
    this.#stream?.finish(this.#ending.streamError);
    try {
      this.onClose?.(this.#ending.closed);
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}

function endingOf(end: SocketEnd): Ending {
  if (end.kind === "failed") {
    const closed = { code: undefined, reason: end.error.text, byPeer: end.byPeer, error: end.error };
    return { closed, streamError: end.error };
  }
  const read = readStatus(end.code);
  const reason = printable(end.reason);
  if (read === undefined) {
    const error = new QpqError("E042_CONNECTION_LOST", { fields: { status: end.code } });
    return { closed: { code: undefined, reason, byPeer: true, error }, streamError: error };
  }
  const closed = closedByPeer(read.code, reason);
  if (read.what === "closed") return { closed, streamError: closed.error ?? new QpqError("E042_CONNECTION_LOST") };
  const text = "the peer reset the stream";
  return { closed, streamError: new QpqError("E049_STREAM_RESET", { text, fields: { code: read.code } }) };
}
