/**
 * A byte stream with a gate on what comes in: it hands on whole messages one by one, can be shut, also behind a certain
 * one, and remembers how many segments messages had. So a test decides what a session does between two messages that
 * arrived together. What goes out passes unchanged.
 */
import type { RpcByteStream } from "../src/byte-stream.ts";
import { FrameReader } from "../src/message/index.ts";

type Passing = { readonly frame?: Uint8Array; readonly pass: () => void };

export class FrameGate implements RpcByteStream {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onClose: ((error: never) => void) | undefined;
  /** The most segments of one message so far. */
  segmentsMax = 0;
  readonly #stream: RpcByteStream;
  readonly #frames = new FrameReader((frame) => this.#came(frame));
  /** What stands at the gate, in order; messages and the stream's end. */
  #waiting: Passing[] = [];
  #isShut = false;
  #isLast: ((frame: Uint8Array) => boolean) | undefined;
  #onShut: () => void = () => {};
  #watches: { readonly isIt: (frame: Uint8Array) => boolean; readonly resolve: () => void }[] = [];

  constructor(stream: RpcByteStream) {
    this.#stream = stream;
    stream.onData = (chunk) => this.#frames.push(chunk);
    stream.onEnd = () => this.#arrive({ pass: () => this.onEnd?.() });
    stream.onClose = (error) => this.#arrive({ pass: () => this.onClose?.(error) });
  }

  /** All that comes from now on waits. */
  shut(): void {
    this.#isShut = true;
  }

  /** Hands on what waits and all that comes. */
  open(): void {
    this.#isShut = false;
    this.#isLast = undefined;
    this.#handOn();
  }

  /** Hands on messages up to the first that `isLast` tells of, and is shut behind it. */
  openThrough(isLast: (frame: Uint8Array) => boolean): Promise<void> {
    this.#isShut = false;
    this.#isLast = isLast;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onShut = resolve;
    this.#handOn();
    return promise;
  }

  /** Resolves when such a message has come, whether it was handed on or waits. */
  arrival(isIt: (frame: Uint8Array) => boolean): Promise<void> {
    return new Promise((resolve) => this.#watches.push({ isIt, resolve }));
  }

  get onDrain(): (() => void) | undefined {
    return this.#stream.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#stream.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.write(chunk);
  }

  end(): void {
    this.#stream.end();
  }

  reset(code: number): void {
    this.#stream.reset?.(code);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #came(frame: Uint8Array): void {
    const segments = new DataView(frame.buffer, frame.byteOffset).getUint32(0, true) + 1;
    this.segmentsMax = Math.max(this.segmentsMax, segments);
    const met = this.#watches.filter(({ isIt }) => isIt(frame));
    this.#watches = this.#watches.filter((watch) => !met.includes(watch));
    for (const { resolve } of met) resolve();
    this.#arrive({ frame, pass: () => this.onData?.(frame) });
  }

  #arrive(passing: Passing): void {
    this.#waiting.push(passing);
    this.#handOn();
  }

  #handOn(): void {
    while (!this.#isShut) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next.pass();
      if (next.frame === undefined || this.#isLast?.(next.frame) !== true) continue;
      this.#isLast = undefined;
      this.#isShut = true;
      this.#onShut();
    }
  }
}
