/**
 * What a capability leads to, as the runtime sees it: an object of this process, one of the peer, the result of a call
 * that has not been answered, or nothing any more. Applications hold a Capability; tables and messages hold a Target.
 *
 * | target | calls go |
 * |---|---|
 * | LocalTarget | to a CapabilityServer of this process |
 * | ImportTarget | to the peer, which holds the object |
 * | PipelineTarget | to the peer, which will hold the object once it has answered a call of ours |
 * | QueueTarget | nowhere yet: they wait until it is known where |
 * | BrokenTarget | back, with an error |
 *
 * References are counted: who keeps a target retains it, and releases it once.
 */
import type { ImportTarget } from "./import-target.ts";
import type { PointerReader, StructType } from "./message/index.ts";
import type { PendingCall } from "./pending-call.ts";
import type { ServedCall } from "./served-call.ts";

/** A Method, or what is left of it when a call is passed on by somebody who does not know the schema. */
export type CallMethod = {
  readonly interfaceId: bigint;
  readonly ordinal: number;
  /** Absent: the parameters are copied as they are. */
  readonly params?: StructType<unknown, unknown> | undefined;
};

/** Fills the parameters, or is a pointer they are copied from. */
export type CallParams = ((params: never) => void) | PointerReader;

export type CallOptions = {
  /** Keep the call unfinished after its answer, until `finish` is called. */
  readonly holdFinish: boolean;
};

export interface Target {
  /** Begins a call of this process. Never throws: what goes wrong is in the answer. */
  call(method: CallMethod, params: CallParams, options: CallOptions): PendingCall;
  /** Takes over a call that came from elsewhere. Never throws. Calls are delivered in the order of these calls. */
  deliver(call: ServedCall): void;
  retain(): void;
  release(): void;
  /** Where a call made now should go: itself, or what the promise became. */
  resolved(): Target;
}

/** A target that will become another. */
export interface PromisedTarget extends Target {
  /** At most once. Retains what it needs. */
  settle(target: Target): void;
}

/** How a message names its target (rpc.capnp, struct MessageTarget). */
export type WireTarget =
  | { readonly importId: number }
  | { readonly questionId: number; readonly path: readonly number[] };

/** What targets that lie at the peer ask of their session. Compared by identity to tell one session from another. */
export interface Peer {
  startCall(to: WireTarget, call: { method: CallMethod; params: CallParams }, options: CallOptions): PendingCall;
  /** A target that holds calls back until all calls sent to `to` before have come round to `target`. */
  embargo(to: WireTarget, target: Target): Target;
  /** Nobody here holds the import any more. */
  dropImport(target: ImportTarget): void;
}
