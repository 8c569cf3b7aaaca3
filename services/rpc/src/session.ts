/**
 * One two-party Cap'n Proto RPC session over one byte stream: the life of the stream, the rest is SessionCore's.
 *
 *   open ── close(), the peer's FIN, Abort or a lost stream ──▶ over
 *      └─── the peer broke the protocol, or a limit ──▶ Abort sent, stream ended ──▶ over
 *
 * Once it is over every call that waits is rejected as `disconnected`, handlers see their signal abort, and the
 * references of the peer are given back. What a peer sends never throws into the stream's callbacks and never leaves an
 * unhandled rejection; it costs that session only.
 */
import type { RpcByteStream } from "./byte-stream.ts";
import { Capability } from "./capability.ts";
import { serve } from "./local-target.ts";
import { FrameReader, MessageError } from "./message/index.ts";
import { Outbox } from "./outbox.ts";
import { abort } from "./outgoing-messages.ts";
import { exceptionOf, ProtocolError, RpcError, type RpcException } from "./rpc-error.ts";
import { defaultRpcLimits, type RpcLimits } from "./rpc-limits.ts";
import type { CapabilityServer } from "./served-call.ts";
import { SessionCore } from "./session-core.ts";
import type { RpcSessionOptions } from "./session-options.ts";
import type { SessionLink } from "./session-link.ts";

export type RpcCounts = {
  readonly questions: number;
  readonly answers: number;
  readonly imports: number;
  readonly exports: number;
  readonly queuedCalls: number;
};

/** Application code of the reset for a peer that goes on sending after our Abort: quicproquo's protocolViolation. */
const resetCode = 200;

export class RpcSession implements Disposable {
  /** Resolves with the reason when the session is over; never rejects. */
  readonly closed: Promise<RpcError>;
  readonly #stream: RpcByteStream;
  readonly #limits: RpcLimits;
  readonly #outbox: Outbox;
  readonly #frames: FrameReader;
  readonly #core: SessionCore;
  readonly #bootstrap: Capability | undefined;
  readonly #onClose: ((error: RpcError) => void) | undefined;
  readonly #report: (error: unknown) => void;
  #dead: RpcError | undefined;
  #resolveClosed: (error: RpcError) => void;
  #isPaused = false;
  #drainedBytes = 0;

  /** Takes the stream over: its callbacks are the session's from now on. */
  constructor(stream: RpcByteStream, options: RpcSessionOptions = {}) {
    const { promise, resolve } = Promise.withResolvers<RpcError>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#stream = stream;
    this.#limits = { ...defaultRpcLimits, ...options.limits };
    this.#outbox = new Outbox(stream, options.defer ?? inMicrotask);
    this.#onClose = options.onClose;
    this.#report = reporter(options.onError);
    this.#bootstrap = bootstrapOf(options.bootstrap);
    this.#core = new SessionCore({
      link: this.#link(),
      bootstrap: this.#bootstrap,
      exceptionOf: this.#guarded(options.errorToException ?? exceptionOf),
      onAbort: (error) => this.#endStream(error),
    });
    this.#frames = new FrameReader((frame) => this.#core.onFrame(frame), this.#limits);
    this.#listen();
  }

  /** The peer's first object, usable at once: calls on it do not wait for the peer's answer. Yours to dispose. */
  bootstrap(): Capability {
    const pending = this.#core.outgoing.bootstrap();
    const capability = new Capability(pending.pipeline([]));
    // The handle above is what is left of the answer.
    pending.onSettled(() => pending.dispose());
    return capability;
  }

  /** Sends what was written and ends the stream. Calls that wait are rejected as disconnected. */
  close(): void {
    this.#endStream(new RpcError("disconnected", "the session was closed here"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Resolves when the stream takes more. A caller that awaits it between calls is as fast as the peer reads; one that
   * does not has its calls rejected at questionsMax and outBytesMax / 2.
   */
  get writable(): Promise<void> {
    return this.#outbox.writable;
  }

  get counts(): RpcCounts {
    const { incoming, outgoing, capTables } = this.#core;
    return {
      questions: outgoing.size,
      answers: incoming.size,
      imports: capTables.importsSize,
      exports: capTables.exports.size,
      queuedCalls: incoming.queueBudget.usedCalls,
    };
  }

  #link(): SessionLink {
    return {
      limits: this.#limits,
      dead: () => this.#dead,
      outBytes: () => this.#outbox.bytes,
      send: (frame) => this.#send(frame),
      report: this.#report,
    };
  }

  #listen(): void {
    const stream = this.#stream;
    stream.onData = (chunk) => this.#onData(chunk);
    stream.onEnd = () => this.#onEnd();
    stream.onDrain = () => {
      this.#outbox.drained();
      this.#checkPause();
    };
    stream.onClose = (error: Error | undefined) => {
      this.#outbox.discard();
      const why = error === undefined ? "the stream was closed" : `the stream was lost: ${error.message}`;
      this.#over(new RpcError("disconnected", why, { cause: error }));
    };
  }

  #onData(chunk: Uint8Array): void {
    if (this.#dead !== undefined) return this.#drain(chunk);
    try {
      this.#frames.push(chunk);
    } catch (error) {
      this.#abort(error);
    }
    this.#checkPause();
  }

  #onEnd(): void {
    if (this.#frames.pendingBytes > 0) this.#abort(new ProtocolError("the stream ended inside a message"));
    else this.#endStream(new RpcError("disconnected", "the peer closed the session"));
  }

  #send(frame: Uint8Array): void {
    if (this.#dead !== undefined) return;
    this.#outbox.push(frame);
    const { outBytesMax } = this.#limits;
    if (this.#outbox.bytes <= outBytesMax) return;
    // In a turn of its own: whoever sends is in the middle of a change to the tables.
    const { bytes } = this.#outbox;
    queueMicrotask(() => this.#abort(new ProtocolError(`the peer does not read: ${bytes} bytes wait for it`)));
  }

  /**
   * A peer that asks and does not read the answers is not read either, so flow control holds it back. Not while it owes
   * us answers, though: its new calls are then refused as overloaded. Two of these sessions can so never wait for each
   * other: one that is paused was asked by the other, which is owed answers and reads.
   */
  #checkPause(): void {
    // Not for what is only gathered until the end of the turn: no onDrain would come to resume.
    const isBusy = this.#outbox.isBlocked && this.#outbox.bytes > this.#limits.outBytesBusy;
    const mustPause = this.#dead === undefined && isBusy && this.#core.outgoing.size === 0;
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#stream.pause();
    else this.#stream.resume();
  }

  #abort(error: unknown): void {
    if (this.#dead !== undefined) return;
    const text = error instanceof ProtocolError || error instanceof MessageError ? error.message : "internal";
    const reason = text.slice(0, this.#limits.reasonLengthMax);
    this.#outbox.abort(abort({ type: "failed", reason }));
    this.#endStream(new RpcError("disconnected", `the session was aborted here: ${reason}`, { cause: error }));
  }

  #endStream(error: RpcError): void {
    if (this.#dead !== undefined) return;
    this.#outbox.close();
    this.#stream.end();
    this.#over(error);
  }

  #over(error: RpcError): void {
    if (this.#dead !== undefined) return;
    this.#dead = error;
    this.#frames.stop();
    this.#checkPause();
    this.#core.end(error);
    this.#bootstrap?.[Symbol.dispose]();
    this.#resolveClosed(error);
    try {
      this.#onClose?.(error);
    } catch (caught) {
      this.#report(caught); // it must not reach the stream, whose callback this may be
    }
  }

  /** An application's mapping that fails itself tells the peer nothing. */
  #guarded(map: (error: unknown) => RpcException): (error: unknown) => RpcException {
    return (error) => {
      try {
        const { type, reason } = map(error);
        return { type, reason: reason.slice(0, this.#limits.reasonLengthMax) };
      } catch (caught) {
        this.#report(caught);
        return { type: "failed", reason: "internal" };
      }
    };
  }

  /** The peer may not have read our Abort yet; one that goes on and on is cut off. */
  #drain(chunk: Uint8Array): void {
    this.#drainedBytes += chunk.length;
    if (this.#drainedBytes <= this.#limits.drainBytesMax) return;
    this.#drainedBytes = Number.NEGATIVE_INFINITY; // once
    this.#stream.reset?.(resetCode);
  }
}

/** Not queueMicrotask itself: a browser refuses it when it is called as somebody's method. */
function inMicrotask(flush: () => void): void {
  queueMicrotask(flush);
}

function bootstrapOf(bootstrap: CapabilityServer | Capability | undefined): Capability | undefined {
  if (bootstrap === undefined) return undefined;
  return bootstrap instanceof Capability ? bootstrap.dup() : serve(bootstrap);
}

function reporter(onError: ((error: unknown) => void) | undefined): (error: unknown) => void {
  return (error) => {
    try {
      onError?.(error);
    } catch {
      // Documented at onError.
    }
  };
}
