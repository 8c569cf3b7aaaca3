/**
 * Two ends of a byte stream in memory, as a network could be: bytes come later, in pieces of any size, can be held back,
 * and the line can be cut at any byte. Nothing is lost or reordered before a cut.
 */
import type { RpcByteStream } from "../src/byte-stream.ts";

export type PipeOptions = {
  /** Largest piece that is delivered at once. */
  readonly chunkBytes?: number;
  /** `write` answers false while more than this waits. */
  readonly highWaterBytes?: number;
};

export class PipeEnd implements RpcByteStream {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: Error | undefined) => void) | undefined;
  /** Bytes this end has been given to write. */
  writtenBytes = 0;
  /** Bytes that wait to be read at the other end. */
  waitingBytes = 0;
  resetWith: number | undefined;
  isPaused = false;
  isEnded = false;
  isClosed = false;
  /** Sees each chunk as it is written, e.g. to look for a message. */
  tap: ((chunk: Uint8Array) => void) | undefined;
  readonly #ends: PipeEnd[];
  readonly #chunks: Uint8Array[] = [];
  readonly #chunkBytes: number;
  readonly #highWaterBytes: number;
  #isHeld = false;
  #isFull = false;
  #isScheduled = false;
  #isEndDelivered = false;
  /** The line is cut when so many bytes have been delivered from here. */
  #cutAtBytes = Number.POSITIVE_INFINITY;
  #deliveredBytes = 0;

  /** `ends` is shared by both ends, each adds itself. */
  constructor(options: PipeOptions, ends: PipeEnd[]) {
    this.#ends = ends;
    ends.push(this);
    this.#chunkBytes = options.chunkBytes ?? Number.POSITIVE_INFINITY;
    this.#highWaterBytes = options.highWaterBytes ?? Number.POSITIVE_INFINITY;
  }

  write(chunk: Uint8Array): boolean {
    if (this.isEnded || this.isClosed) return true;
    this.tap?.(chunk);
    this.writtenBytes += chunk.length;
    this.waitingBytes += chunk.length;
    this.#chunks.push(chunk);
    this.#schedule();
    this.#isFull = this.waitingBytes > this.#highWaterBytes;
    return !this.#isFull;
  }

  end(): void {
    this.isEnded = true;
    this.#schedule();
  }

  reset(code: number): void {
    this.resetWith = code;
    this.cut(new Error(`reset with ${code}`));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#other.#schedule();
  }

  /** Nothing written here arrives until `letGo`. */
  hold(): void {
    this.#isHeld = true;
  }

  letGo(): void {
    this.#isHeld = false;
    this.#schedule();
  }

  /** Both ends are told; what was on its way is lost. */
  cut(error?: Error): void {
    this.#close(error);
    this.#other.#close(error);
  }

  cutAfter(bytes: number): void {
    this.#cutAtBytes = bytes;
  }

  get #other(): PipeEnd {
    return this.#ends.find((end) => end !== this) as PipeEnd;
  }

  #close(error: Error | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#chunks.length = 0;
    this.onClose?.(error);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const other = this.#other;
    while (this.#chunks.length > 0 && !this.#isHeld && !other.isPaused && !this.isClosed) {
      this.#deliverOne(other);
    }
    if (this.#isFull && this.waitingBytes <= this.#highWaterBytes && !this.isClosed) {
      this.#isFull = false;
      this.onDrain?.();
    }
    if (this.isEnded && this.#chunks.length === 0 && !this.isClosed && !this.#isHeld && !this.#isEndDelivered) {
      this.#isEndDelivered = true;
      other.onEnd?.();
      if (other.isEnded && other.#isEndDelivered) this.cut();
    }
  }

  #deliverOne(other: PipeEnd): void {
    const whole = this.#chunks.shift() as Uint8Array;
    const bytes = Math.min(whole.length, this.#chunkBytes, this.#cutAtBytes - this.#deliveredBytes);
    if (bytes < whole.length) this.#chunks.unshift(whole.subarray(bytes));
    this.waitingBytes -= bytes;
    this.#deliveredBytes += bytes;
    if (bytes > 0) other.onData?.(bytes === whole.length ? whole : whole.slice(0, bytes));
    if (this.#deliveredBytes >= this.#cutAtBytes) this.cut(new Error("the line was cut"));
  }
}

export function pipe(options: PipeOptions = {}): readonly [PipeEnd, PipeEnd] {
  const ends: PipeEnd[] = [];
  return [new PipeEnd(options, ends), new PipeEnd(options, ends)];
}
