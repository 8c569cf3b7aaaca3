/**
 * Passes a call that came from one place on to a target elsewhere: parameters and results are copied, capabilities in
 * them are translated, a cancellation follows. Calls forwarded to one target stay in order.
 */
import { RpcError } from "./rpc-error.ts";
import type { ServedCall } from "./served-call.ts";
import type { Target } from "./target.ts";

export function forwardCall(call: ServedCall, target: Target): void {
  if (call.isAborted) return call.fail(new RpcError("failed", "the call was canceled"));
  const method = { interfaceId: call.interfaceId, ordinal: call.methodOrdinal };
  const pending = target.call(method, call.paramsPointer(), { holdFinish: false });
  call.onAborted({ onAborted: () => pending.cancel() });
  pending.onSettled((outcome) => {
    if (outcome.kind === "failed") return call.fail(outcome.error);
    try {
      call.resultsPointer().copyFrom(outcome.results.content);
    } catch (error) {
      // Larger than this side builds, as shared structs are copied for each pointer to them.
      call.fail(error);
      return outcome.results[Symbol.dispose]();
    }
    call.complete();
    outcome.results[Symbol.dispose]();
  });
}
