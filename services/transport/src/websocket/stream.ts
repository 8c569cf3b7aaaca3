/**
 * The one stream of a WebSocket: its bytes are the content of binary messages, wherever they are cut; an empty message
 * is FIN.
 *
 * Reading: while the reader pauses, messages are held; with a window full of them the socket is no longer read, so TCP
 * holds the peer back. Writing: bytes go to the socket at once; what waits there is what the limits count.
 * `write`, `end`, `reset`, `resume` only note and ask for a turn of their own: callbacks are never called from inside.
 */
import { QpqError } from "quicproquo-proto";
import { type ByteStream, type CloseCode, closeCodes } from "../port.ts";
import type { MessageSocket } from "./message-socket.ts";
import type { WebSocketLimits } from "./websocket-limits.ts";

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly socket: MessageSocket;
  readonly limits: WebSocketLimits;
  /** False from close() on: nothing is read or written any more. */
  readonly isOpen: boolean;
  countOut(bytes: number): void;
  /** Runs the task in a turn of its own. */
  later(task: () => void): void;
  /** A callback threw. */
  fault(error: unknown): void;
  /** The stream is reset on this side: a WebSocket says so by ending. */
  reset(code: number, error: QpqError): void;
}

/** So that a receiver need not gather much before it hands on the first byte. */
const messageBytesSent = 64 * 1024;
/** What a held message costs beside its content. */
const messageOverheadBytes = 256;
const fin = new Uint8Array(0);

export class SoleStream implements ByteStream {
  readonly id = 0;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: QpqError | undefined) => void) | undefined;

  readonly #host: StreamHost;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  /** Came while nothing was read. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #finHeld = false;
  #paused = false;
  /** write answered false and onDrain is owed. */
  #owesDrain = false;
  #finSent = false;
  #finReceived = false;
  #closed = false;

  constructor(host: StreamHost) {
    this.#host = host;
  }

  get onData(): ((chunk: Uint8Array) => void) | undefined {
    return this.#onData;
  }

  set onData(callback: ((chunk: Uint8Array) => void) | undefined) {
    this.#onData = callback;
    this.#host.later(() => this.#deliver()); // what has waited for it
  }

  write(chunk: Uint8Array): boolean {
    if (this.#finSent || !this.#isOpen || chunk.length === 0) return !this.#owesDrain;
    const { socket, limits } = this.#host;
    for (let at = 0; at < chunk.length; at += messageBytesSent) {
      socket.send(chunk.length <= messageBytesSent ? chunk : chunk.subarray(at, at + messageBytesSent));
    }
    this.#host.countOut(chunk.length);
    if (socket.waitingBytes > limits.sendQueueBytesMax) {
      this.#abort(closeCodes.overloaded, "the send queue of the stream is full");
    }
    if (socket.waitingBytes > limits.sendQueueBytes) this.#owesDrain = true;
    return !this.#owesDrain;
  }

  end(): void {
    if (this.#finSent || !this.#isOpen) return;
    this.#finSent = true;
    this.#host.socket.send(fin);
    this.#host.later(() => this.#closeWhenDone());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#host.later(() => this.#deliver());
  }

  reset(code: CloseCode): void {
    if (this.#isOpen) this.#abort(code, "the stream was reset on this side");
  }

  /** A message of the peer. False = one behind FIN, which breaks the contract. */
  receive(message: Uint8Array): boolean {
    if (this.#finHeld || this.#finReceived) return false;
    if (message.length === 0) {
      this.#finHeld = true;
      this.#deliver();
    } else if (this.#reads && this.#held.length === 0) {
      this.#call(() => this.#onData?.(message));
    } else {
      this.#hold(message);
    }
    return true;
  }

  /** The network took some of what waited. */
  sent(): void {
    if (!this.#owesDrain || !this.#isOpen) return;
    if (this.#host.socket.waitingBytes > this.#host.limits.sendQueueBytes / 2) return;
    this.#owesDrain = false;
    this.#call(() => this.onDrain?.());
  }

  /** Exactly once, and the last callback. */
  finish(error: QpqError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = [];
    this.#heldBytes = 0;
    this.#call(() => this.onClose?.(error));
  }

  get #isOpen(): boolean {
    return !this.#closed && this.#host.isOpen;
  }

  get #reads(): boolean {
    return !this.#paused && this.#onData !== undefined && this.#isOpen;
  }

  #hold(message: Uint8Array): void {
    this.#held.push(message);
    this.#heldBytes += message.length + messageOverheadBytes;
    const { limits, socket } = this.#host;
    if (this.#heldBytes > limits.heldBytesMax) this.#abort(closeCodes.overloaded, "the reader pauses for too long");
    else if (this.#heldBytes >= limits.streamWindowBytes) socket.holdBack();
  }

  #deliver(): void {
    // A callback may pause, reset or close: each turn looks again.
    while (this.#reads && this.#held.length > 0) {
      const message = this.#held.shift() as Uint8Array;
      this.#heldBytes -= message.length + messageOverheadBytes;
      this.#call(() => this.#onData?.(message));
    }
    if (!this.#reads) return;
    this.#host.socket.readOn();
    if (!this.#finHeld) return;
    this.#finHeld = false;
    this.#finReceived = true;
    this.#call(() => this.onEnd?.());
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.#finSent && this.#finReceived && this.#isOpen) this.finish(undefined);
  }

  #abort(code: number, text: string): void {
    this.#host.reset(code, new QpqError("E049_STREAM_RESET", { text, fields: { code } }));
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#host.fault(error);
    }
  }
}
