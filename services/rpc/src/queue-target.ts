/**
 * A capability that is not there yet: calls wait in order until it is known where they go, then all of them go there
 * before anybody else's can. Stands for the result of a call that runs in this process, and for one under embargo.
 */
import type { PendingCall } from "./pending-call.ts";
import { BrokenTarget } from "./pending-call.ts";
import { RpcError } from "./rpc-error.ts";
import type { ServedCall } from "./served-call.ts";
import type { CallMethod, CallOptions, CallParams, PromisedTarget, Target } from "./target.ts";

/** Bounds the calls that wait in all queues which share it. */
export type QueueBudget = { usedCalls: number; readonly callsMax: number };

export type QueueStart = {
  readonly budget: QueueBudget;
  /** Makes the message of a call of this process without sending it anywhere. */
  readonly record: (method: CallMethod, params: CallParams, options: CallOptions) => RecordedCall;
  /** No call waits and nobody refers to the capability any more. May come again. */
  readonly onIdle?: () => void;
};

/** `served` is undefined when the call has failed already. */
export type RecordedCall = { readonly pending: PendingCall; readonly served: ServedCall | undefined };

export class QueueTarget implements PromisedTarget {
  readonly #start: QueueStart;
  /** Not any more when it is settled: it leads back to the session, see SessionPeer. */
  #onIdle: (() => void) | undefined;
  readonly #calls: ServedCall[] = [];
  #references = 0;
  #became: Target | undefined;

  constructor({ onIdle, ...start }: QueueStart) {
    this.#start = start;
    this.#onIdle = onIdle;
  }

  /** Somebody waits for this capability. */
  get isWanted(): boolean {
    return this.#calls.length > 0 || this.#references > 0;
  }

  call(method: CallMethod, params: CallParams, options: CallOptions): PendingCall {
    if (this.#became !== undefined) return this.#became.resolved().call(method, params, options);
    const { pending, served } = this.#start.record(method, params, options);
    if (served !== undefined) this.deliver(served);
    return pending;
  }

  deliver(call: ServedCall): void {
    if (this.#became !== undefined) return this.#became.deliver(call);
    const { budget } = this.#start;
    if (budget.usedCalls >= budget.callsMax) {
      return call.fail(new RpcError("overloaded", `more than ${budget.callsMax} calls wait for a capability`));
    }
    budget.usedCalls++;
    this.#calls.push(call);
    call.onAborted({ onAborted: () => this.#drop(call) });
  }

  settle(target: Target): void {
    // A capability that is its own result would be looked for for ever.
    const resolved = target.resolved();
    const became =
      resolved === this ? new BrokenTarget(new RpcError("failed", "a capability resolves to itself")) : resolved;
    this.#became = became;
    became.retain();
    this.#references++; // a call may bring the last reference to this very capability, and give it back on its way
    this.#start.budget.usedCalls -= this.#calls.length;
    for (const call of this.#calls.splice(0)) became.deliver(call);
    this.#onIdle = undefined;
    this.release();
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references > 0) return;
    if (this.#became === undefined) this.#checkIdle();
    else this.#became.release();
  }

  resolved(): Target {
    return this.#became === undefined ? this : this.#became.resolved();
  }

  /**
   * Nobody waits for the call any more. It must not wait either: its parameters may hold the very capability that it
   * waits for, and both would stay for ever.
   */
  #drop(call: ServedCall): void {
    const index = this.#calls.indexOf(call);
    if (index === -1) return; // it has gone on
    this.#calls.splice(index, 1);
    this.#start.budget.usedCalls--;
    call.fail(new RpcError("failed", "the call was canceled"));
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#became === undefined && !this.isWanted) this.#onIdle?.();
  }
}
