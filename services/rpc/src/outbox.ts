/**
 * Frames on their way out, in order: gathered over one turn and written together, held back while the stream does not
 * take more. Loses nothing and bounds nothing: the session looks at `bytes`.
 */
import type { RpcByteStream } from "./byte-stream.ts";

/** Frames up to this size are copied together into one chunk; larger ones are written as they are. */
const joinedFrameBytesMax = 16 << 10;
/** Written before the turn ends, so that a long turn does not hold everything back. */
const chunkBytes = 64 << 10;

export class Outbox {
  readonly #stream: RpcByteStream;
  readonly #defer: (flush: () => void) => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isClosed = false;
  /** Those who wait for the stream to take more. */
  #waiting: (() => void)[] = [];

  constructor(stream: RpcByteStream, defer: (flush: () => void) => void) {
    this.#stream = stream;
    this.#defer = defer;
  }

  /** Not written yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The stream has taken all it wants for now. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Resolves when the stream takes more, at once when it does now, and when the outbox is closed. */
  get writable(): Promise<void> {
    if (!this.#isBlocked || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  push(frame: Uint8Array): void {
    if (this.#isClosed) return;
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#isBlocked) return;
    if (this.#bytes >= chunkBytes) this.#flush();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#defer(this.#scheduled);
    }
  }

  /** The stream takes more again. */
  drained(): void {
    if (!this.#isBlocked || this.#isClosed) return;
    this.#isBlocked = false;
    this.#flush();
    if (!this.#isBlocked) this.#release();
  }

  /** Writes what is left and `last`, and nothing after it. To a stream that takes no more, only `last`. */
  abort(last: Uint8Array): void {
    if (this.#isBlocked) this.#frames = [];
    this.push(last);
    this.close();
  }

  /** Writes what is left whether the stream takes it or not, and nothing after it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isBlocked = false;
    while (this.#frames.length > 0) this.#writeChunk();
    this.#isClosed = true;
    this.#bytes = 0;
    this.#release();
  }

  /** The stream is gone: what was not written is lost. */
  discard(): void {
    this.#isClosed = true;
    this.#frames = [];
    this.#bytes = 0;
    this.#release();
  }

  readonly #scheduled = (): void => {
    this.#isScheduled = false;
    if (!this.#isBlocked && !this.#isClosed) this.#flush();
  };

  #flush(): void {
    while (this.#frames.length > 0 && !this.#isBlocked) this.#writeChunk();
  }

  /** Writes one large frame, or as many small ones as fit into one chunk. */
  #writeChunk(): void {
    let count = 0;
    let bytes = 0;
    for (const frame of this.#frames) {
      const isLarge = frame.length > joinedFrameBytesMax;
      if (count > 0 && (isLarge || bytes + frame.length > chunkBytes)) break;
      count++;
      bytes += frame.length;
      if (isLarge) break;
    }
    const frames = this.#frames.splice(0, count);
    this.#bytes -= bytes;
    if (!this.#stream.write(joined(frames, bytes))) this.#isBlocked = true;
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function joined(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  if (frames.length === 1) return frames[0] as Uint8Array;
  const chunk = new Uint8Array(bytes);
  let at = 0;
  for (const frame of frames) {
    chunk.set(frame, at);
    at += frame.length;
  }
  return chunk;
}
