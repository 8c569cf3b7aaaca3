/**
 * The byte stream of a session under test: the fuzzer feeds it and sees what the session writes. It keeps the contract
 * of RpcByteStream (nothing is delivered while paused or from inside a call of the session) and notes when the session
 * breaks it or throws.
 */
import type { RpcByteStream } from "../src/index.ts";
import { Finding } from "./finding.ts";

export class FedStream implements RpcByteStream {
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  onClose: ((error: Error | undefined) => void) | undefined;
  /** Sees each chunk the session writes. */
  onSent: ((chunk: Uint8Array) => void) | undefined;
  /** What went wrong, in order. */
  readonly findings: Finding[] = [];
  fedBytes = 0;
  sentBytes = 0;
  isEndedHere = false;
  isClosed = false;
  #isDelivering = false;
  #isPaused = false;
  #isBlocked = false;
  #isEndedThere = false;
  #isEndTold = false;
  #lost: { readonly error: Error | undefined } | undefined;
  readonly #waiting: Uint8Array[] = [];

  write(chunk: Uint8Array): boolean {
    if (this.isEndedHere) this.#misused("bytes written behind the end");
    if (chunk.length === 0) this.#misused("an empty chunk was written");
    if (this.isClosed) return true;
    this.sentBytes += chunk.length;
    this.onSent?.(chunk);
    return !this.#isBlocked;
  }

  end(): void {
    if (this.isEndedHere) this.#misused("ended twice");
    this.isEndedHere = true;
  }

  reset(): void {
    this.#lost ??= { error: new Error("reset by the session") };
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** The session is given bytes just now, and has ended already. */
  get isBehindEnd(): boolean {
    return this.#isDelivering && this.isEndedHere;
  }

  /** The session has all that was fed, or does not read because it has been paused. */
  get isRead(): boolean {
    return this.#waiting.length === 0;
  }

  feed(bytes: Uint8Array): void {
    if (this.isClosed || this.#isEndedThere) return;
    this.fedBytes += bytes.length;
    // a copy: the session may keep what it is given, and the input is run again
    this.#waiting.push(bytes.slice());
    this.pump();
  }

  /** The peer's FIN, behind what was fed. */
  feedEnd(): void {
    this.#isEndedThere = true;
    this.pump();
  }

  /** Both directions are gone; the session is told at once. */
  cut(): void {
    this.#lost ??= { error: new Error("cut") };
    this.pump();
  }

  block(): void {
    this.#isBlocked = true;
  }

  drain(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    if (!this.isClosed) this.#call(() => this.onDrain?.());
    this.pump();
  }

  /** Delivers what waited while the session did not read. */
  pump(): void {
    while (!this.#isPaused && !this.isClosed && this.#lost === undefined && this.#waiting.length > 0) {
      const chunk = this.#waiting.shift() as Uint8Array;
      this.#isDelivering = true;
      this.#call(() => this.onData?.(chunk));
      this.#isDelivering = false;
    }
    if (this.#isEndedThere && this.isRead && !this.#isEndTold && !this.isClosed) {
      this.#isEndTold = true;
      this.#call(() => this.onEnd?.());
    }
    const lost = this.#lost;
    if (lost === undefined || this.isClosed) return;
    this.isClosed = true;
    this.#waiting.length = 0;
    this.#call(() => this.onClose?.(lost.error));
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.findings.push(new Finding("threw", `a callback of the stream threw ${String(error)}`, { cause: error }));
    }
  }

  #misused(text: string): void {
    this.findings.push(new Finding("misused-stream", text));
  }
}

/** What one session writes is fed to the other, as soon as it has come back from writing. */
export function joinStreams(left: FedStream, right: FedStream): void {
  const carry = (to: FedStream) => (chunk: Uint8Array) => queueMicrotask(() => to.feed(chunk));
  left.onSent = carry(right);
  right.onSent = carry(left);
}
