/** One stream in memory: credit in place of QUIC's flow control, the same callbacks in the same order. */
import { QpqError } from "quicproquo-proto";
import { type ByteStream, type CloseCode, closeCodes } from "../port.ts";
import type { Frame, MemoryLimits } from "./frame.ts";

/** What a stream needs of its connection. */
export interface StreamLink {
  readonly limits: MemoryLimits;
  send(frame: Frame): void;
  /** Runs the task in a turn of its own, in order. */
  later(task: () => void): void;
  /** A callback threw. */
  fault(error: unknown): void;
  /** The stream is over on this side. */
  release(stream: MemoryStream): void;
}

export class MemoryStream implements ByteStream {
  readonly id: number;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: QpqError | undefined) => void) | undefined;

  readonly #link: StreamLink;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  /** Not yet sent for want of credit. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #creditBytes: number;
  #owesDrain = false;
  #finWanted = false;
  #finSent = false;
  /** Received while paused; at most one window. */
  #held: Uint8Array[] = [];
  #finHeld = false;
  #finReceived = false;
  #paused = false;
  /** Nothing more is sent or read; onClose may still be on its way. */
  #over = false;
  #closed = false;

  constructor(id: number, link: StreamLink) {
    this.id = id;
    this.#link = link;
    this.#creditBytes = link.limits.streamWindowBytes;
  }

  get onData(): ((chunk: Uint8Array) => void) | undefined {
    return this.#onData;
  }

  set onData(callback: ((chunk: Uint8Array) => void) | undefined) {
    this.#onData = callback;
    this.#link.later(() => this.#deliver()); // what has waited for it
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#finWanted || chunk.length === 0) return !this.#owesDrain;
    // Copied, as a network does: the receiver owns what it gets, the sender may send its chunk to others too.
    // Not slice(): a Buffer's is a view.
    this.#queue.push(new Uint8Array(chunk));
    this.#queuedBytes += chunk.length;
    this.#send();
    if (this.#queuedBytes > this.#link.limits.sendQueueBytesMax) {
      this.#abort(closeCodes.overloaded, "the send queue of the stream is full");
    }
    if (this.#queuedBytes > this.#link.limits.sendQueueBytes) this.#owesDrain = true;
    return !this.#owesDrain;
  }

  end(): void {
    if (this.#over || this.#finWanted) return;
    this.#finWanted = true;
    this.#send();
    this.#link.later(() => this.#closeWhenDone());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#link.later(() => this.#deliver());
  }

  reset(code: CloseCode): void {
    this.#abort(code, "the stream was reset on this side");
  }

  /** A frame of the peer, in a turn of its own. */
  receive(frame: Frame): void {
    if (this.#over) return;
    switch (frame.kind) {
      case "data":
        this.#held.push(frame.chunk);
        this.#deliver();
        break;
      case "fin":
        this.#finHeld = true;
        this.#deliver();
        break;
      case "credit":
        this.#creditBytes += frame.bytes;
        this.#send();
        if (this.#owesDrain && this.#queuedBytes <= this.#link.limits.sendQueueBytes / 2) this.#drained();
        this.#closeWhenDone();
        break;
      case "reset":
        this.#over = true;
        this.finish(resetError(frame.code, "the peer reset the stream"));
        break;
    }
  }

  /** Exactly once, and the last callback. */
  finish(error: QpqError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#over = true;
    this.#queue = [];
    this.#held = [];
    this.#link.release(this);
    this.#call(() => this.onClose?.(error));
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#creditBytes > 0) {
      const head = this.#queue[0] as Uint8Array;
      const chunk = head.subarray(0, this.#creditBytes);
      if (chunk.length === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(chunk.length);
      this.#creditBytes -= chunk.length;
      this.#queuedBytes -= chunk.length;
      this.#link.send({ kind: "data", id: this.id, chunk });
    }
    if (!this.#finWanted || this.#finSent || this.#queue.length > 0) return;
    this.#finSent = true;
    this.#link.send({ kind: "fin", id: this.id });
  }

  get #reads(): boolean {
    return !this.#paused && this.#onData !== undefined;
  }

  #deliver(): void {
    // A callback may pause, reset or close: each turn looks again.
    while (this.#reads && !this.#over && this.#held.length > 0) {
      const chunk = this.#held.shift() as Uint8Array;
      this.#link.send({ kind: "credit", id: this.id, bytes: chunk.length });
      this.#call(() => this.#onData?.(chunk));
    }
    if (!this.#reads || this.#over || !this.#finHeld || this.#finReceived) return;
    this.#finReceived = true;
    this.#call(() => this.onEnd?.());
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.#finSent && this.#finReceived && !this.#over) this.finish(undefined);
  }

  #drained(): void {
    this.#owesDrain = false;
    this.#call(() => this.onDrain?.());
  }

  #abort(code: CloseCode, text: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#link.send({ kind: "reset", id: this.id, code });
    this.#link.later(() => this.finish(resetError(code, text)));
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#link.fault(error);
    }
  }
}

function resetError(code: number, text: string): QpqError {
  return new QpqError("E049_STREAM_RESET", { text, fields: { code } });
}
