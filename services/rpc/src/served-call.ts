/**
 * A call on its way through an object of this process: what a CapabilityServer sees of it (IncomingCall) and what the
 * runtime does with it (ServedCall).
 *
 *            run                  handler ends, complete or fail
 *   waiting ─────▶ running ──────────────────────────────────────▶ ended
 *                     │ finish (the caller's Finish, or the end of the session) may come in any state, once
 *
 * Whether the outcome is still wanted is the sink's business: `returned` or `failed` is called exactly once in any case,
 * so that the sink can count what is running.
 */
import { type HeldCapabilities, releaseAll } from "./call-results.ts";
import type { PointerBuilder, PointerReader, ReaderType, StructReader, StructType } from "./message/index.ts";
import { type PayloadMessage, startReturn } from "./outgoing-messages.ts";
import { callAt, payloadAt } from "./rpc-layout.ts";

/** What `dispatch` answers when the call's own `complete` or `fail` will end it. */
export const endsLater = Symbol("endsLater");

/** An object that can be called. Several capabilities, also of several sessions, may lead to it. */
export interface CapabilityServer {
  /**
   * Runs one call. Returning, or the promise it returns, ends the call with what was written to `results`; throwing ends
   * it with an exception. With `endsLater` the call ends itself: one that waits long then costs no chain of promises, of
   * which each holds 200 bytes. Calls come in the order they were made and do not wait for one another. A server checks
   * interfaceId and methodOrdinal and throws RpcError `unimplemented` for what it does not have (MethodTable does).
   */
  dispatch(call: IncomingCall): void | Promise<void> | typeof endsLater;
  /** The last reference is gone; a later one may make it be called again. What it throws is told to a session's onError. */
  dispose?(): void;
}

export type CallFinished = {
  /** The Return had been written when the Finish arrived. */
  readonly returned: boolean;
  /** True: the caller did not, or will not, read the results. After a cancellation that crossed the Return it is true. */
  readonly releaseResultCaps: boolean;
  /** The session ended without a Finish. */
  readonly disconnected?: boolean;
};

/** An object and not a function: who waits is its own listener, and costs no closure. */
export interface AbortListener {
  onAborted(): void;
}

export interface IncomingCall {
  readonly interfaceId: bigint;
  readonly methodOrdinal: number;
  /** Of the call's message. */
  readonly frameBytes: number;
  /** Views into the message, which is not written again: good as long as they are kept. */
  params<R>(type: ReaderType<R>): R;
  /** The parameters were read: a call that waits long need not keep its message. Their capabilities stay. */
  releaseParams(): void;
  /** Once a call: the results, written in place. A call that never asks answers an empty struct. */
  results<B>(type: StructType<unknown, B>): B;
  /** Aborted when nobody waits for the call any more. */
  readonly signal: AbortSignal;
  /** The signal is or would be aborted. */
  readonly isAborted: boolean;
  /** The same for one listener, at once when it is so already; for calls that wait long, a tenth of a signal's memory. */
  onAborted(listener: AbortListener): void;
  /**
   * Called exactly once, at once when it is known already. What the listener throws is told to the session's onError. Who
   * asks after the results were sent may learn only that they were: when nobody had asked, the peer need not finish them.
   */
  onFinished(listener: (finished: CallFinished) => void): void;
  /** Ends the call with what was written to `results`. Once it has ended this and `fail` do nothing. */
  complete(): void;
  /** Ends it with an exception. */
  fail(error: unknown): void;
}

/** Where the outcome of a call goes. Exactly one of both is called, once. */
export interface CallSink {
  /** undefined: the handler never asked for results. */
  returned(results: PayloadMessage | undefined): void;
  /** `unsent`: capability fields the handler had set before it failed. */
  failed(error: unknown, unsent: readonly unknown[]): void;
}

export type ServedCallStart = {
  /** The Call struct, of the wire or of a message of this process; undefined once the parameters were released. */
  call: StructReader | undefined;
  readonly frameBytes: number;
  /** The parameters' capabilities, released when the handler has ended. */
  readonly capabilities: HeldCapabilities;
  readonly answerId: number;
  readonly messageBytesMax: number;
  readonly sink: CallSink;
};

export class ServedCall implements IncomingCall {
  readonly interfaceId: bigint;
  readonly methodOrdinal: number;
  readonly frameBytes: number;
  /** undefined once the handler has ended: an answer may stand long unfinished and must not keep its call's message. */
  #start: ServedCallStart | undefined;
  #results: PayloadMessage | undefined;
  #finished: CallFinished | undefined;
  #listeners: ((finished: CallFinished) => void)[] | undefined;
  #abort: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #onAborted: AbortListener | undefined;
  #report: ((error: unknown) => void) | undefined;
  #held: { release(): void } | undefined;

  constructor(start: ServedCallStart & { readonly call: StructReader }) {
    const { call } = start;
    this.interfaceId = call.getUint64(callAt.interfaceId);
    this.methodOrdinal = call.getUint16(callAt.methodId);
    this.frameBytes = start.frameBytes;
    this.#start = start;
  }

  params<R>(type: ReaderType<R>): R {
    return this.paramsPointer().asStruct(type);
  }

  results<B>(type: StructType<unknown, B>): B {
    return this.resultsPointer().initStruct(type);
  }

  /** Made on demand: most calls end before anybody asks. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted.reason);
    }
    return this.#abort.signal;
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  onFinished(listener: (finished: CallFinished) => void): void {
    if (this.#finished !== undefined) this.#tell(listener, this.#finished);
    else if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  /** The rest is the runtime's; handlers see an IncomingCall. */

  get isRunning(): boolean {
    return this.#start !== undefined;
  }

  /** Somebody listens for it. */
  get isFinishAwaited(): boolean {
    return this.#listeners !== undefined;
  }

  releaseParams(): void {
    if (this.#start !== undefined) this.#start.call = undefined;
  }

  paramsPointer(): PointerReader {
    const { call } = this.#running;
    if (call === undefined) throw new Error("the call's parameters were released");
    return call.getStruct(callAt.params).getPointer(payloadAt.content);
  }

  resultsPointer(): PointerBuilder {
    const { answerId, messageBytesMax } = this.#running;
    this.#results ??= startReturn(answerId, messageBytesMax);
    return this.#results.payload.getPointer(payloadAt.content);
  }

  /** Holds `held`, which keeps the server alive, until the handler has ended. */
  run(server: CapabilityServer, held: { release(): void }): void {
    this.#held = held;
    if (this.#aborted !== undefined) return this.fail(this.#aborted.reason);
    let ends: ReturnType<CapabilityServer["dispatch"]>;
    try {
      ends = server.dispatch(this);
    } catch (error) {
      return this.fail(error);
    }
    if (ends === undefined) return this.complete();
    if (ends === endsLater) return;
    ends.then(
      () => this.complete(),
      (error: unknown) => this.fail(error),
    );
  }

  complete(): void {
    const start = this.#start;
    if (start === undefined) return;
    const results = this.#results;
    this.#end();
    start.sink.returned(results);
    this.#letGo(start);
  }

  fail(error: unknown): void {
    const start = this.#start;
    if (start === undefined) return;
    const unsent = this.#results?.builder.capTable ?? [];
    this.#end();
    start.sink.failed(error, unsent);
    this.#letGo(start);
  }

  /** Only the first one counts. `report` gets what listeners throw; it must not look like a fault of the peer. */
  finish(finished: CallFinished, report?: (error: unknown) => void): void {
    if (this.#finished !== undefined) return;
    this.#finished = finished;
    this.#report = report;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) this.#tell(listener, finished);
  }

  /** Nobody waits for the outcome any more. */
  abort(reason: unknown): void {
    if (this.#start === undefined || this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#onAborted?.onAborted();
    this.#abort?.abort(reason);
  }

  onAborted(listener: AbortListener): void {
    if (this.#aborted !== undefined) listener.onAborted();
    else this.#onAborted = listener;
  }

  get #running(): ServedCallStart {
    if (this.#start === undefined) throw new Error("the call has ended: its parameters and results are gone");
    return this.#start;
  }

  #tell(listener: (finished: CallFinished) => void, finished: CallFinished): void {
    try {
      listener(finished);
    } catch (error) {
      this.#report?.(error);
    }
  }

  #end(): void {
    this.#start = undefined;
    this.#results = undefined;
  }

  #letGo(start: ServedCallStart): void {
    releaseAll(start.capabilities);
    this.#held?.release();
  }
}
