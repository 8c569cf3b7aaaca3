/**
 * One call as its caller's side keeps it, wherever it goes: waiting, then returned or failed, once. It hands the outcome
 * to those who asked, in the order they asked, before `returned` or `fail` comes back; it makes no promise (so there is
 * none to be rejected unheard) and sends nothing: that is its route's work.
 *
 *                 returned(results)
 *   waiting ──────────────────────▶ returned
 *      │  ╲  fail(error)
 *      │   ╲──────────────────────▶ failed
 *      └── cancel(reason): route.cancel ─▲
 *
 * BrokenTarget stands here as well because each makes the other.
 */
import type { CallResults } from "./call-results.ts";
import { forgetFrames } from "./rpc-error.ts";
import { RpcError } from "./rpc-error.ts";
import type { ServedCall } from "./served-call.ts";
import type { PromisedTarget, Target } from "./target.ts";

/** Where the call went. */
export interface CallRoute {
  /** The answer is not wanted any more and has not come. */
  cancel(): void;
  /** The answer has come and is done with. May be called again. */
  finish(): void;
  /** A target for calls made on the result before it is there. */
  pipeline(path: readonly number[]): PromisedTarget;
}

type Outcome =
  | { readonly kind: "returned"; readonly results: CallResults }
  | { readonly kind: "failed"; readonly error: unknown };

export class PendingCall {
  readonly #route: CallRoute;
  #outcome: Outcome | undefined;
  #listeners: ((outcome: Outcome) => void)[] | undefined;
  /** By path, so that calls through any handle of one promised capability keep their order. */
  #pipelines: Map<string, { readonly path: readonly number[]; readonly target: PromisedTarget }> | undefined;

  constructor(route: CallRoute) {
    this.#route = route;
  }

  static failed(error: unknown): PendingCall {
    const call = new PendingCall(noRoute);
    call.#outcome = { kind: "failed", error };
    return call;
  }

  get isWaiting(): boolean {
    return this.#outcome === undefined;
  }

  /** Takes the results over. */
  returned(results: CallResults): void {
    if (this.#outcome === undefined) this.#settle({ kind: "returned", results });
    else results[Symbol.dispose]();
  }

  fail(error: unknown): void {
    if (this.#outcome === undefined) this.#settle({ kind: "failed", error });
  }

  /** At once when it is settled already. Listeners must not throw. */
  onSettled(listener: (outcome: Outcome) => void): void {
    if (this.#outcome !== undefined) listener(this.#outcome);
    else if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  /** The capability that will stand at `path` of the results. The receiver retains it. */
  pipeline(path: readonly number[]): Target {
    if (this.#outcome !== undefined) return targetIn(this.#outcome, path);
    const key = path.join();
    const known = this.#pipelines?.get(key);
    if (known !== undefined) return known.target;
    const target = this.#route.pipeline(path);
    this.#pipelines ??= new Map();
    this.#pipelines.set(key, { path, target });
    return target;
  }

  cancel(reason?: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#route.cancel();
    // Made here: an error costs microseconds, and most calls that are disposed have been answered.
    this.fail(reason ?? new RpcError("failed", "the call was canceled"));
  }

  finish(): void {
    if (this.#outcome !== undefined) this.#route.finish();
  }

  /** Nobody wants the results any more, come or not: cancels, or gives back the capabilities in them. */
  dispose(): void {
    if (this.#outcome === undefined) return this.cancel();
    if (this.#outcome.kind === "returned") this.#outcome.results[Symbol.dispose]();
    this.#route.finish();
  }

  #settle(outcome: Outcome): void {
    this.#outcome = outcome;
    const pipelines = this.#pipelines;
    this.#pipelines = undefined;
    if (pipelines !== undefined) {
      for (const { path, target } of pipelines.values()) target.settle(targetIn(outcome, path));
    }
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(outcome);
  }
}

/** A capability that can never be called: every call is answered with the same error. */
export class BrokenTarget implements Target {
  readonly #error: unknown;

  constructor(error: unknown) {
    forgetFrames(error);
    this.#error = error;
  }

  call(): PendingCall {
    return PendingCall.failed(this.#error);
  }

  deliver(call: ServedCall): void {
    call.fail(this.#error);
  }

  retain(): void {}

  release(): void {}

  resolved(): Target {
    return this;
  }
}

function targetIn(outcome: Outcome, path: readonly number[]): Target {
  return outcome.kind === "failed" ? new BrokenTarget(outcome.error) : outcome.results.targetAt(path);
}

const noRoute: CallRoute = {
  cancel() {},
  finish() {},
  pipeline() {
    throw new Error("a call that has failed has no pipeline");
  },
};
