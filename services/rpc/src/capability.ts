/**
 * What an application holds: Capability, a counted reference to an object here or at the peer, and Answer, a call it
 * made. Both stand in one file because each makes the other.
 *
 * A Capability belongs to who got it: from `bootstrap`, `dup`, `pipeline`, `serve`, or out of results. Dispose it, and
 * the other side learns that it is not needed; one that is forgotten is released when it is collected. Two exceptions:
 * capabilities in an incoming call's parameters are released when the call has been answered (`dup` to keep one), and
 * passing a capability in a message lends it, it stays yours.
 */
import type { Method, ReaderType } from "./message/index.ts";
import { BrokenTarget, PendingCall } from "./pending-call.ts";
import { RpcError } from "./rpc-error.ts";
import type { CallOptions, Target } from "./target.ts";

export type CallSettings = {
  /** Cancels the call; the answer is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The peer is told that the answer arrived only when `finish` is called or the answer is disposed. */
  readonly holdFinish?: boolean | undefined;
};

const finishAtOnce: CallOptions = { holdFinish: false };
const finishHeld: CallOptions = { holdFinish: true };

/** Releases what a handle held that nobody disposed. One for all sessions: the held value is the target. */
const forgotten = new FinalizationRegistry<Target>((target) => target.release());

export class Capability implements Disposable {
  #target: Target;
  #held = true;

  /** Internal: applications get capabilities from `serve`, a session, or a message. Retains the target. */
  constructor(target: Target) {
    this.#target = target;
    target.retain();
    forgotten.register(this, target, this);
  }

  /**
   * Calls without waiting for calls before it; calls on one capability arrive in the order they were made. Never
   * throws: an error, also one thrown by `fill`, rejects the answer. `fill` runs before this returns.
   */
  call<PR, PB, RR, RB>(
    method: Method<PR, PB, RR, RB>,
    fill: (params: PB) => void,
    settings?: CallSettings,
  ): Answer<RR> {
    const signal = settings?.signal;
    if (signal?.aborted === true) return new Answer(PendingCall.failed(signal.reason), method.results);
    const options = settings?.holdFinish === true ? finishHeld : finishAtOnce;
    const pending = this.#target.resolved().call(method, fill, options);
    if (signal !== undefined) cancelOnAbort(pending, signal);
    return new Answer(pending, method.results);
  }

  /** Another reference to the same object, to be disposed on its own. */
  dup(): Capability {
    return new Capability(this.#target.resolved());
  }

  [Symbol.dispose](): void {
    if (!this.#held) return;
    this.#held = false;
    forgotten.unregister(this);
    const target = this.#target;
    this.#target = disposedTarget;
    target.release();
  }

  /** Internal: not retained for the caller. */
  static targetOf(capability: Capability): Target {
    return capability.#target;
  }
}

const disposedTarget = new BrokenTarget(new RpcError("failed", "the capability was disposed"));

/** A call on its way. Awaiting it gives the results; not awaiting it is fine and leaves no unhandled rejection. */
export class Answer<R> implements PromiseLike<R>, Disposable {
  readonly #pending: PendingCall;
  readonly #results: ReaderType<R>;
  #promise: Promise<R> | undefined;

  /** Internal: made by Capability.call. */
  constructor(pending: PendingCall, results: ReaderType<R>) {
    this.#pending = pending;
    this.#results = results;
  }

  // biome-ignore lint/suspicious/noThenProperty: an answer is awaited
  then<A = R, B = never>(
    onReturned?: ((results: R) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    // Made only when somebody listens: a rejected promise nobody asked for would end the process.
    this.#promise ??= new Promise((resolve, reject) => this.settled(resolve, reject));
    return this.#promise.then(onReturned, onFailed);
  }

  /**
   * The same for one who needs no promise: one of the two is called once, at once when the answer has come already. They
   * run while the session reads, and must not throw.
   */
  settled(onReturned: (results: R) => void, onFailed: (error: unknown) => void): void {
    this.#pending.onSettled((outcome) => {
      if (outcome.kind === "failed") return onFailed(outcome.error);
      let results: R;
      try {
        results = outcome.results.content.asStruct(this.#results);
      } catch (error) {
        return onFailed(error); // the peer answered something that is not a struct
      }
      onReturned(results);
    });
  }

  /**
   * The capability that will stand at this path of pointer fields in the results, usable at once: calls on it travel
   * to the peer without waiting for the answer. Yours to dispose.
   */
  pipeline(...path: number[]): Capability {
    return new Capability(this.#pending.pipeline(path));
  }

  /** Tells the peer that the answer is not wanted. Nothing happens when it has come already. */
  cancel(reason?: unknown): void {
    this.#pending.cancel(reason);
  }

  /** With `holdFinish`: tells the peer that the answer arrived. Nothing happens before that. */
  finish(): void {
    this.#pending.finish();
  }

  /** Cancels, or finishes and releases the capabilities in the results. */
  [Symbol.dispose](): void {
    this.#pending.dispose();
  }
}

function cancelOnAbort(pending: PendingCall, signal: AbortSignal): void {
  const onAbort = (): void => pending.cancel(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  pending.onSettled(() => signal.removeEventListener("abort", onAbort));
}
