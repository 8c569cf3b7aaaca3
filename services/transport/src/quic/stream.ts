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
  readonly sendQueueBytes: number;
  readonly sendQueueBytesMax: number;
  /** There is work for the next flush. */
  mark(): void;
  /** A callback threw. */
  fault(error: unknown): void;
}

const nothing = new Uint8Array(0);
// 64 KiB: a whole burst of 32 datagrams in one native call.
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

export class QuicStream implements ByteStream {
  readonly id: number;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: QpqError | undefined) => void) | undefined;

  readonly #host: StreamHost;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** write answered false and onDrain is owed. */
  #owesDrain = false;
  #paused = false;
  #finWanted = false;
  #finSent = false;
  #finReceived = false;
  #failure: QpqError | undefined;
  #closed = false;

  constructor(id: number, host: StreamHost) {
    this.id = id;
    this.#host = host;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#finWanted || this.#failure !== undefined || this.#closed || chunk.length === 0) return !this.#owesDrain;
    this.#host.mark();
    const taken = this.#queue.length === 0 ? this.#offer(chunk, false) : 0;
    if (taken < chunk.length) {
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
    if (this.#finWanted || this.#failure !== undefined || this.#closed) return;
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
    if (this.#failure !== undefined || this.#closed) return;
    this.#abort(code, "the stream was reset on this side");
    this.#host.mark();
  }

  /** Reads what has come, sends what waits, and closes when both sides are done. */
  service(mayHaveData: boolean): void {
    if (mayHaveData && !this.#paused && this.#host.native.streamReadable(this.id)) this.#read();
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

  #read(): void {
    try {
      // A callback may pause, reset or close: each turn looks again.
      while (!this.#paused && !this.#finReceived && this.#failure === undefined && !this.#closed) {
        const received = this.#receive();
        if (received === undefined) return;
        const { chunk, fin } = received;
        if (fin) this.#finReceived = true;
        if (chunk !== undefined) this.onData?.(chunk);
        if (fin && !this.#closed) this.onEnd?.();
      }
    } catch (thrown) {
      this.#host.fault(thrown);
    }
  }

  #receive(): { readonly chunk: Uint8Array | undefined; readonly fin: boolean } | undefined {
    let received: [number, boolean] | null;
    try {
      received = this.#host.native.streamRecv(this.id, scratch);
    } catch (thrown) {
      this.#refused(thrown);
      return undefined;
    }
    if (received === null) return undefined;
    const [length, fin] = received;
    // The receiver keeps the chunk and the scratch is used again, so it is copied; small ones share Node's pool.
    return { chunk: length === 0 ? undefined : Buffer.from(scratch.subarray(0, length)), fin };
  }

  #send(): void {
    while (this.#queue.length > 0) {
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

  /** How many bytes the library took. It takes FIN only together with the last byte. */
  #offer(chunk: Uint8Array, fin: boolean): number {
    try {
      const taken = this.#host.native.streamSend(this.id, chunk, fin);
      if (taken === null) return 0;
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
