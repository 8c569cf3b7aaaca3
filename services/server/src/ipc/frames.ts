/**
 * Frames over a local stream socket, between two processes of one server: `length 4, little-endian | bytes`.
 *
 * Whole frames arrive, in order, or none: what a dying process had half sent is dropped. A peer that sends a length
 * beyond the limit, or whose frame cannot be read, is cut off; one that does not read is cut off at unsentBytesMax.
 */
import type { Socket } from "node:net";
import { ByteReader, ByteWriter } from "./bytes.ts";

export const frameLimits = {
  /** A writer hands its frame on at about this size: 64 KiB reads of the other side, few system calls. */
  frameBytes: 1024 * 1024,
  /** The largest frame taken: a call as large as the largest RPC message, and what travels with it. */
  frameBytesMax: 64 * 1024 * 1024,
  /** Unsent bytes above which the sender should wait. */
  unsentBytes: 4 * 1024 * 1024,
  /** Unsent bytes above which the peer is cut off: all that one process may have in flight, and as much again. */
  unsentBytesMax: 256 * 1024 * 1024,
} as const;

const lengthBytes = 4;

export type FrameEvents = {
  /** What it throws cuts the peer off. */
  readonly onFrame: (reader: ByteReader) => void;
  /** Unsent bytes are few again, after `isCongested` was true. */
  readonly onDrain: () => void;
  /** Once, last. */
  readonly onClose: () => void;
};

export class FrameSocket {
  readonly #socket: Socket;
  readonly #events: FrameEvents;
  readonly #length = Buffer.alloc(lengthBytes);
  #lengthAt = 0;
  #frame: Buffer<ArrayBuffer> | undefined;
  #frameAt = 0;

  constructor(socket: Socket, events: FrameEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => events.onDrain());
    // the peer is gone: "close" follows and says all there is to say
    socket.on("error", () => undefined);
    socket.on("close", () => events.onClose());
  }

  get isCongested(): boolean {
    return this.#socket.writableLength > frameLimits.unsentBytes;
  }

  /** Sends what newFrame gave; the writer is empty afterwards. */
  send(frame: ByteWriter): void {
    const length = frame.length;
    frame.patchU32(0, length - lengthBytes);
    this.#socket.write(new Uint8Array(frame.finish(), 0, length));
    if (this.#socket.writableLength > frameLimits.unsentBytesMax) this.#socket.destroy();
  }

  /** Holds the peer back. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** What was sent still arrives. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (let at = 0; at < chunk.length; ) at += this.#take(chunk.subarray(at));
    } catch {
      this.#socket.destroy();
    }
  }

  /** Answers how many bytes it took. */
  #take(chunk: Buffer): number {
    if (this.#frame === undefined) return this.#takeLength(chunk);
    const taken = chunk.copy(this.#frame, this.#frameAt);
    this.#frameAt += taken;
    if (this.#frameAt === this.#frame.length) {
      const { buffer } = this.#frame;
      this.#frame = undefined;
      this.#events.onFrame(new ByteReader(buffer));
    }
    return taken;
  }

  #takeLength(chunk: Buffer): number {
    const taken = chunk.copy(this.#length, this.#lengthAt, 0, lengthBytes - this.#lengthAt);
    this.#lengthAt += taken;
    if (this.#lengthAt === lengthBytes) {
      const length = this.#length.readUInt32LE();
      if (length === 0 || length > frameLimits.frameBytesMax) throw new RangeError("no such frame");
      this.#lengthAt = 0;
      this.#frame = Buffer.from(new ArrayBuffer(length));
      this.#frameAt = 0;
    }
    return taken;
  }
}

/** An empty frame, to be filled and sent. */
export function newFrame(): ByteWriter {
  const frame = new ByteWriter(4 * 1024);
  frame.u32(0);
  return frame;
}

export function isEmptyFrame(frame: ByteWriter): boolean {
  return frame.length === lengthBytes;
}
