/**
 * Objects at the peer: ImportTarget is one it sent, PipelineTarget one that will stand in its answer to a call of ours.
 * Both stand in one file because they become another target by the same rule.
 *
 * The rule (rpc.capnp, struct Disembargo): calls sent to the promise travel to the peer and, when it resolves to something
 * of ours, come all the way back. Calls made after that would overtake them, so they wait until a Disembargo has gone the
 * same way. Where the peer hosts the object itself nothing can be overtaken.
 */
import { forwardCall } from "./forward-call.ts";
import { BrokenTarget, type PendingCall } from "./pending-call.ts";
import { RpcError } from "./rpc-error.ts";
import type { ServedCall } from "./served-call.ts";
import type { CallMethod, CallOptions, CallParams, Peer, PromisedTarget, Target, WireTarget } from "./target.ts";

export class ImportTarget implements PromisedTarget {
  readonly peer: Peer;
  readonly importId: number;
  /** How often the peer has sent it: what a Release gives back. */
  referencesOfPeer = 0;
  /** The peer said that it will resolve it. */
  isPromise = false;
  #references = 0;
  #wasCalled = false;
  #became: Target | undefined;
  readonly #to: { readonly importId: number };

  constructor(peer: Peer, importId: number) {
    this.peer = peer;
    this.importId = importId;
    this.#to = { importId };
  }

  call(method: CallMethod, params: CallParams, options: CallOptions): PendingCall {
    this.#wasCalled = true;
    return this.peer.startCall(this.#to, { method, params }, options);
  }

  /** To the peer even when the promise is resolved: who sent the call was told that it goes there. */
  deliver(call: ServedCall): void {
    forwardCall(call, this);
  }

  /** The peer resolved its promise. */
  settle(target: Target): void {
    this.#became = successorOf(this, target, this.#wasCalled ? this.#to : undefined);
    this.#became.retain();
  }

  get isSettled(): boolean {
    return this.#became !== undefined;
  }

  /** Calls came this way under another name, so it counts as called when it becomes something else. */
  markCalled(): void {
    this.#wasCalled = true;
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references > 0) return;
    this.peer.dropImport(this);
    this.#became?.release();
  }

  resolved(): Target {
    return this.#became === undefined ? this : this.#became.resolved();
  }
}

export class PipelineTarget implements PromisedTarget {
  readonly peer: Peer;
  readonly to: { readonly questionId: number; readonly path: readonly number[] };
  #references = 0;
  #wasCalled = false;
  #became: Target | undefined;

  constructor(peer: Peer, to: { readonly questionId: number; readonly path: readonly number[] }) {
    this.peer = peer;
    this.to = to;
  }

  call(method: CallMethod, params: CallParams, options: CallOptions): PendingCall {
    if (this.#became !== undefined) return this.#became.call(method, params, options);
    this.#wasCalled = true;
    return this.peer.startCall(this.to, { method, params }, options);
  }

  deliver(call: ServedCall): void {
    if (this.#became !== undefined) this.#became.deliver(call);
    else forwardCall(call, this);
  }

  /** The answer came, or will not come. */
  settle(target: Target): void {
    this.#became = successorOf(this, target, this.#wasCalled ? this.to : undefined);
    if (this.#references > 0) this.#became.retain();
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.#became?.release();
  }

  resolved(): Target {
    return this.#became === undefined ? this : this.#became.resolved();
  }
}

/** `called` is how calls to the promise were addressed, undefined when there were none. */
function successorOf(promise: ImportTarget | PipelineTarget, target: Target, called: WireTarget | undefined): Target {
  if (target.resolved() === promise) {
    return new BrokenTarget(new RpcError("failed", "a capability resolves to itself"));
  }
  if (called === undefined || target instanceof BrokenTarget) return target;
  // Not `resolved`: an object the peer has of us may lead back to the peer, and calls sent before go all that way.
  if (target instanceof ImportTarget && target.peer === promise.peer && !target.isSettled) {
    target.markCalled();
    return target;
  }
  return promise.peer.embargo(called, target);
}
