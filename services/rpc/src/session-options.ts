/** What an application decides about one session. */
import type { Capability } from "./capability.ts";
import type { RpcError, RpcException } from "./rpc-error.ts";
import type { RpcLimits } from "./rpc-limits.ts";
import type { CapabilityServer } from "./served-call.ts";

export type RpcSessionOptions = {
  /** What the peer's `bootstrap` gives. A Capability is lent for the life of the session. */
  readonly bootstrap?: CapabilityServer | Capability | undefined;
  readonly limits?: Partial<RpcLimits> | undefined;
  /** What a peer is told of an error of a handler; by default only RpcError is told, all else is `failed: internal`. */
  readonly errorToException?: ((error: unknown) => RpcException) | undefined;
  /** Told once, when the session is over and everything was given back. */
  readonly onClose?: ((error: RpcError) => void) | undefined;
  /**
   * Told what the application's callbacks threw, which nobody else gets to see: onClose, errorToException, listeners of
   * onFinished, and `dispose` of an object passed to the peer (by several sessions: the first is told). What it throws
   * itself is dropped.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Gathers writes: by default until the end of the current microtask; setImmediate gathers more and waits longer. */
  readonly defer?: ((flush: () => void) => void) | undefined;
};
