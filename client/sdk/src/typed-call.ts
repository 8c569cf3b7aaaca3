/** One call with its codec, its deadline, and errors as QpqError with the server's code. */
import { type MethodCodec, QpqError } from "quicproquo-proto";
import { type Capability, RpcError } from "quicproquo-rpc";

export type CallOptions = {
  readonly signal?: AbortSignal;
  /** E028_DEADLINE when there is no answer by then. */
  readonly timeoutMs?: number;
};

// design/quic.md, trap 14: a dead server is noticed by the call's deadline before the idle timeout
export const defaultTimeoutMs = 10_000;

/** Data fields of the results are views into the answer's frame. */
export function typedCall<P, R, PR, PB, RR, RB>(
  capability: Capability,
  codec: MethodCodec<P, R, PR, PB, RR, RB>,
  params: P,
  options: CallOptions = {},
): Promise<R> {
  // one promise a call: with async functions on the way it was five
  return new Promise((resolve, reject) => {
    const answer = capability.call(codec.method, (builder) => codec.encodeParams(params, builder), options);
    // cancels the answer itself: a signal of our own for each call would cost more than the call
    const deadline = (): void =>
      answer.cancel(new QpqError("E028_DEADLINE", { fields: { method: codec.method.name } }));
    const timer = setTimeout(deadline, options.timeoutMs ?? defaultTimeoutMs);
    const onFailed = (error: unknown): void => {
      clearTimeout(timer);
      reject(errorOf(error));
    };
    const onReturned = (results: RR): void => {
      clearTimeout(timer);
      try {
        resolve(codec.decodeResults(results));
      } catch (error) {
        reject(errorOf(error));
      }
    };
    answer.settled(onReturned, onFailed);
  });
}

/** The server's code when the reason carries one; otherwise what the exception's type says. */
export function errorOf(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const told = QpqError.fromReason(error.reason);
  if (told !== undefined) return told;
  switch (error.type) {
    case "disconnected":
      return new QpqError("E042_CONNECTION_LOST", { cause: error });
    case "overloaded":
      return new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000, cause: error });
    case "unimplemented":
      return new QpqError("E019_UNKNOWN_METHOD", { cause: error });
    case "failed":
      return new QpqError("E034_INTERNAL", { text: error.reason, cause: error });
  }
}
