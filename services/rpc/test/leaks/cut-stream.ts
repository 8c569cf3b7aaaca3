/** A stream of which one side is gone when so many bytes went through in one direction, in the middle of a frame or not. */
import type { RpcByteStream } from "../../src/byte-stream.ts";

export type CutOptions = {
  readonly bytes: number;
  readonly of: "written" | "read";
  readonly cut: () => void;
};

export class CutStream implements RpcByteStream {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: never) => void) | undefined;
  readonly #stream: RpcByteStream;
  readonly #options: CutOptions;
  #bytesLeft: number;

  constructor(stream: RpcByteStream, options: CutOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#bytesLeft = options.bytes;
    stream.onData = (chunk) => this.#pass("read", chunk, (part) => this.onData?.(part));
    stream.onEnd = () => this.onEnd?.();
    stream.onDrain = () => this.onDrain?.();
    stream.onClose = (error) => this.onClose?.(error);
  }

  write(chunk: Uint8Array): boolean {
    let isTaken = true;
    this.#pass("written", chunk, (part) => void (isTaken = this.#stream.write(part)));
    return isTaken;
  }

  end(): void {
    this.#stream.end();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #pass(of: CutOptions["of"], chunk: Uint8Array, take: (part: Uint8Array) => void): void {
    if (of !== this.#options.of) return take(chunk);
    if (this.#bytesLeft < 0) return;
    const part = chunk.subarray(0, this.#bytesLeft);
    this.#bytesLeft -= chunk.length;
    if (part.length > 0) take(part);
    if (this.#bytesLeft < 0) this.#options.cut();
  }
}
