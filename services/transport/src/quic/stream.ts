/**
 * One QUIC stream: what waits to be sent, back-pressure in both directions, FIN and RESET.
 *
 * Reading: bytes stay in the library while paused, so its flow control holds the peer back. Writing: a chunk goes
 * straight into the library as far as it takes it; the rest is queued and sent as acknowledgements make room.
 * `service` is the only place that calls the owner's callbacks; `write`, `end`, `reset` only note and mark.
 */
import { QpqError } from "quicproquo-proto";
import { type ByteStream, type CloseCode, closeCodes } from "../port.ts";
import { type NativeConnection, quiche } from "./native.ts";

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly native: NativeConnection;
  /** False from close() on: nothing is read or written any more. */
  readonly isOpen: boolean;
  readonly sendQueueBytes: number;
  readonly sendQueueBytesMax: number;
  /** There is work for the next flush. */
  mark(): void;
  /** The library has taken bytes or FIN of this stream. */
  offered(streamId: number): void;
  /** So many bytes of a stream were handed over. */
  delivered(bytes: number): void;
  /** A callback threw. */
  fault(error: unknown): void;
}

const nothing = new Uint8Array(0);
// 64 KiB: a whole burst of 32 datagrams in one native call.
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

function copyOf(length: number): Buffer {
  const copy = Buffer.allocUnsafe(length);
  scratch.copy(copy, 0, 0, length);
  return copy;
}

/** May something for a stream wait in the library? `likely`: it is the only one, and a datagram has come. */
export type MayHaveData = "none" | "perhaps" | "likely";

export class QuicStream implements ByteStream {
  readonly id: number;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: QpqError | undefined) => void) | undefined;

  readonly #host: StreamHost;
  #onData: ((chunk: Uint8Array) => void) | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** write answered false and onDrain is owed. */
  #owesDrain = false;
  #paused = false;
  #finWanted = false;
  #finSent = false;
  #finReceived = false;
  /** FIN was seen while nothing is read; onEnd is owed. */
  #finHeld = false;
  #failure: QpqError | undefined;
  #closed = false;

  constructor(id: number, host: StreamHost) {
    this.id = id;
    this.#host = host;
  }

  get onData(): ((chunk: Uint8Array) => void) | undefined {
    return this.#onData;
  }

  set onData(callback: ((chunk: Uint8Array) => void) | undefined) {
    this.#onData = callback;
    this.#host.mark(); // what has waited for it
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What comes is not read: it waits in the library. */
  get isHeld(): boolean {
    return !this.#reads;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#finWanted || !this.#isOpen || chunk.length === 0) return !this.#owesDrain;
    this.#host.mark();
    const taken = this.#queue.length === 0 ? this.#offer(chunk, false) : 0;
    if (taken < chunk.length && this.#failure === undefined) {
      this.#queue.push(taken === 0 ? chunk : chunk.subarray(taken));
      this.#queuedBytes += chunk.length - taken;
    }
    if (this.#queuedBytes > this.#host.sendQueueBytesMax) {
      this.#abort(closeCodes.overloaded, "the send queue of the stream is full");
    }
    if (this.#queuedBytes > this.#host.sendQueueBytes) this.#owesDrain = true;
    return !this.#owesDrain;
  }

  end(): void {
    if (this.#finWanted || !this.#isOpen) return;
    this.#finWanted = true;
    this.#host.mark();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#host.mark();
  }

  reset(code: CloseCode): void {
    if (this.#isOpen) this.#abort(code, "the stream was reset on this side");
  }

  /** Reads what has come, sends what waits, and closes when both sides are done. */
  service(data: MayHaveData): void {
    if (!this.#host.isOpen) return;
    if (this.#finHeld && this.#reads) this.#end();
    else if (data === "likely" && this.#reads)
      this.#read(); // not asked first: reads nothing when there is nothing
    else if (data !== "none" && this.#host.native.streamReadable(this.id)) {
      if (this.#reads) this.#read();
      else this.#peek();
    }
    if (this.#queue.length > 0 || (this.#finWanted && !this.#finSent)) this.#send();
    if (this.#failure !== undefined) this.finish(this.#failure);
    else if (this.#finReceived && this.#finSent) this.finish(undefined);
  }

  /** Exactly once, and the last callback. */
  finish(error: QpqError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    try {
      this.onClose?.(error);
    } catch (thrown) {
      this.#host.fault(thrown);
    }
  }

  get #isOpen(): boolean {
    return this.#failure === undefined && !this.#closed && this.#host.isOpen;
  }

  get #reads(): boolean {
    return !this.#paused && this.#onData !== undefined && this.#host.isOpen;
  }

  #read(): void {
    try {
      // A callback may pause, reset or close: each turn looks again.
      while (this.#reads && !this.#finReceived && this.#failure === undefined && !this.#closed) {
        const received = this.#receive(scratch);
        if (received === null) return;
        const [length, fin] = received;
        this.#host.delivered(length);
        // The receiver keeps the chunk and the scratch is used again, so it is copied; small ones share Node's pool.
        if (length > 0) this.#onData?.(copyOf(length));
        if (fin) this.#end();
        if (length < scratch.length) return; // all there was: asking once more is a tenth of a small message's cost
      }
    } catch (thrown) {
      this.#host.fault(thrown);
    }
  }

  /** A paused reader must still learn of a reset: reading no bytes tells it, and FIN when nothing stands before it. */
  #peek(): void {
    if (this.#receive(nothing)?.[1] === true) this.#finHeld = true;
  }

  #end(): void {
    this.#finHeld = false;
    this.#finReceived = true;
    if (this.#closed) return;
    try {
      this.onEnd?.();
    } catch (thrown) {
      this.#host.fault(thrown);
    }
  }

  /** Length and FIN; null when nothing is there. */
  #receive(into: Uint8Array): [number, boolean] | null {
    try {
      return this.#host.native.streamRecv(this.id, into);
    } catch (thrown) {
      this.#refused(thrown);
      return null;
    }
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#hasRoom) {
      const head = this.#queue[0] as Uint8Array;
      const taken = this.#offer(head, this.#finWanted && this.#queue.length === 1);
      if (this.#failure !== undefined) return;
      this.#queuedBytes -= taken;
      if (taken < head.length) {
        this.#queue[0] = head.subarray(taken);
        break;
      }
      this.#queue.shift();
    }
    if (this.#finWanted && !this.#finSent && this.#queue.length === 0) this.#offer(nothing, true);
    if (this.#owesDrain && this.#queuedBytes <= this.#host.sendQueueBytes / 2) this.#drained();
  }

  #drained(): void {
    this.#owesDrain = false;
    try {
      this.onDrain?.();
    } catch (thrown) {
      this.#host.fault(thrown);
    }
  }

  /**
   * Asked before the library is offered what it could not take: at each try it tells the peer that it is blocked, the peer
   * acknowledges that, and the acknowledgement is the next try, for ever.
   */
  get #hasRoom(): boolean {
    try {
      return this.#host.native.streamCapacity(this.id) > 0;
    } catch {
      return true; // the offer will say what is wrong
    }
  }

  /** How many bytes the library took. It takes FIN only together with the last byte. */
  #offer(chunk: Uint8Array, fin: boolean): number {
    try {
      const taken = this.#host.native.streamSend(this.id, chunk, fin);
      if (taken === null) return 0;
      this.#host.offered(this.id);
      if (fin && taken === chunk.length) this.#finSent = true;
      return taken;
    } catch (thrown) {
      this.#refused(thrown);
      return 0;
    }
  }

  /**
   * The library tells a peer's RESET_STREAM and STOP_SENDING as an error named `StreamReset(code)` or
   * `StreamStopped(code)`. Either ends the stream in both directions, as our own reset does.
   */
  #refused(thrown: unknown): void {
    const told = /^Stream(?:Reset|Stopped)\((\d+)\)/.exec(thrown instanceof Error ? thrown.message : "");
    const code = told?.[1] === undefined ? closeCodes.internal : Number(told[1]);
    const text = told === null ? "the stream failed" : "the peer reset the stream";
    this.#abort(code, text, thrown);
  }

  #abort(code: number, text: string, cause?: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = new QpqError("E049_STREAM_RESET", { text, fields: { code }, cause });
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const direction of [quiche.Shutdown.Read, quiche.Shutdown.Write]) {
      try {
        this.#host.native.streamShutdown(this.id, direction, code);
      } catch {
        // Already shut down in this direction: nothing is left to tell the peer.
      }
    }
    this.#host.mark();
  }
}
