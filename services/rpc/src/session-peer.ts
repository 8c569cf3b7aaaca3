/**
 * A session as the targets that lie at its peer know it. When the session is over it lets go of it: a capability that
 * nobody disposed is released when it is collected, and that it never is while its own target leads back to it, by way of
 * the session, its stream and the application's callbacks.
 */
import type { ImportTarget } from "./import-target.ts";
import { BrokenTarget, PendingCall } from "./pending-call.ts";
import { forgetFrames, type RpcError } from "./rpc-error.ts";
import type { CallMethod, CallOptions, CallParams, Peer, Target, WireTarget } from "./target.ts";

export class SessionPeer implements Peer {
  #session: Peer | undefined;
  #error: RpcError | undefined;

  constructor(session: Peer) {
    this.#session = session;
  }

  /** Calls fail with the error from now on. */
  end(error: RpcError): void {
    forgetFrames(error);
    this.#error = error;
    this.#session = undefined;
  }

  startCall(to: WireTarget, call: { method: CallMethod; params: CallParams }, options: CallOptions): PendingCall {
    return this.#session?.startCall(to, call, options) ?? PendingCall.failed(this.#error);
  }

  embargo(to: WireTarget, target: Target): Target {
    return this.#session?.embargo(to, target) ?? new BrokenTarget(this.#error);
  }

  dropImport(target: ImportTarget): void {
    this.#session?.dropImport(target);
  }
}
