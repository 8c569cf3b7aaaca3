/**
 * Cuts a byte stream into messages ("standard stream framing": segment count - 1, segment sizes in words, segments).
 *
 * Promises: a limit is checked before anything is allocated for it, and never more is held than twice what arrived. A frame
 * that lies whole in one chunk is handed out as a view of that chunk, so the chunk belongs to this reader once pushed.
 * Does not look into the segments: that is MessageReader's work.
 */
import { defaultMessageLimits, type MessageLimits } from "./limits.ts";
import { MessageError } from "./message-error.ts";
import { int32At } from "./numbers.ts";

export class FrameReader {
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #limits: MessageLimits;
  /** The beginning of a frame that did not arrive in one chunk. */
  #held: Uint8Array = nothing;
  #heldBytes = 0;
  #failed: MessageError | undefined;
  #stopped = false;

  constructor(onFrame: (frame: Uint8Array) => void, limits: MessageLimits = defaultMessageLimits) {
    this.#onFrame = onFrame;
    this.#limits = limits;
  }

  /** Bytes held of a frame that is not complete. */
  get pendingBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Calls onFrame for each frame that is now complete. Throws MessageError on a frame beyond the limits; the stream is
   * then lost and every later push throws the same.
   */
  push(chunk: Uint8Array): void {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      let at = 0;
      while (at < chunk.length && !this.#stopped) at = this.#take(chunk, at);
    } catch (error) {
      if (error instanceof MessageError) this.#failed = error;
      throw error;
    }
  }

  /** No frame is handed out any more, also none of the chunk being pushed; what was held is let go. */
  stop(): void {
    this.#stopped = true;
    this.#forget();
  }

  /** Takes one frame, or what there is of it; answers where the rest of the chunk begins. */
  #take(chunk: Uint8Array, at: number): number {
    if (this.#heldBytes > 0) return this.#complete(chunk, at);
    const frameBytes = frameBytesOf(chunk, at, this.#limits);
    if (frameBytes > 0 && frameBytes <= chunk.length - at) {
      this.#onFrame(chunk.subarray(at, at + frameBytes));
      return at + frameBytes;
    }
    return this.#hold(chunk, at, chunk.length);
  }

  #complete(chunk: Uint8Array, at: number): number {
    let next = at;
    for (;;) {
      const held = this.#held.subarray(0, this.#heldBytes);
      const frameBytes = frameBytesOf(held, 0, this.#limits);
      if (frameBytes === this.#heldBytes) {
        this.#forget();
        this.#onFrame(held);
        return next;
      }
      if (next === chunk.length) return next;
      // A negative answer is how many bytes the header needs: never take more than that, the frame may end with it.
      const wanted = Math.abs(frameBytes) - this.#heldBytes;
      next = this.#hold(chunk, next, Math.min(chunk.length, next + wanted));
    }
  }

  #hold(chunk: Uint8Array, from: number, to: number): number {
    const bytes = this.#heldBytes + (to - from);
    if (bytes > this.#held.length) {
      // Doubling, not the announced size: a header alone must not make us allocate 8 MiB.
      const grown = new Uint8Array(Math.max(bytes, this.#held.length * 2));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(chunk.subarray(from, to), this.#heldBytes);
    this.#heldBytes = bytes;
    return to;
  }

  #forget(): void {
    this.#held = nothing;
    this.#heldBytes = 0;
  }
}

const nothing = new Uint8Array(0);

/**
 * The size of the frame that begins at `at`, header included. Negative: so many bytes (8 or the header's size) must be
 * there before the size is known.
 */
export function frameBytesOf(bytes: Uint8Array, at: number, limits: MessageLimits): number {
  const available = bytes.length - at;
  if (available < 8) return -8;
  const segments = (int32At(bytes, at) >>> 0) + 1;
  if (segments > limits.segmentsMax) {
    throw new MessageError("tooManySegments", `${segments} segments, at most ${limits.segmentsMax} are read`);
  }
  const headerBytes = headerBytesOf(segments);
  if (available < headerBytes) return -headerBytes;
  let frameBytes = headerBytes;
  for (let segment = 0; segment < segments; segment++) frameBytes += (int32At(bytes, at + 4 + 4 * segment) >>> 0) * 8;
  if (frameBytes > limits.messageBytesMax) {
    throw new MessageError("tooLarge", `a message of ${frameBytes} bytes, at most ${limits.messageBytesMax} are read`);
  }
  return frameBytes;
}

/** Count and sizes, 4 bytes each, padded to a word. */
export function headerBytesOf(segments: number): number {
  return (4 + 4 * segments + 7) & ~7;
}
